//! The tuner's worker.

fn main() {
    scanlight_tuner::worker::run();
}
