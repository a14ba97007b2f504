//! The CPU engine's worker.

fn main() {
    scanlight_engine::worker::run::<scanlight_engine::cpu::CpuEngine>();
}
