//! The page's program.

fn main() {
    scanlight_web::run();
}
