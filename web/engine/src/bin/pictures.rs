//! The worker that reads the rarer kinds of pictures.

fn main() {
    scanlight_engine::pictures::run();
}
