//! The WebGPU engine's worker.

fn main() {
    scanlight_engine::worker::run::<scanlight_engine::webgpu::WebgpuEngine>();
}
