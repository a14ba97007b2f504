//! The reader's worker.

fn main() {
    scanlight_reader::worker::run();
}
