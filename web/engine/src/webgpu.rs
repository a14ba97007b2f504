//! The engine on WebGPU: burn-wgpu.

use crate::protocol::EngineKind;
use crate::worker::{Engine, EngineError, report_loss};
use burn_wgpu::graphics::WebGpu;
use burn_wgpu::{Wgpu, WgpuDevice, WgpuSetup, init_setup_async};
use scanlight_model::bundle::Bundle;
use scanlight_model::classify::{Classifier, Pipeline};
use scanlight_model::runner::BurnRunner;
use std::cell::RefCell;

type Backend = Wgpu<f32, i32>;

thread_local! {
    /// This worker's device, once it has one.
    static SET_UP: RefCell<Option<WgpuSetup>> = const { RefCell::new(None) };
}

/// A loaded network on the GPU.
pub struct WebgpuEngine {
    classifier: Classifier<Backend>,
}

impl Engine for WebgpuEngine {
    type Runner = BurnRunner<Backend>;
    const KIND: EngineKind = EngineKind::Webgpu;

    async fn load(bundle: &Bundle) -> Result<Self, EngineError> {
        let device = WgpuDevice::default();
        // In a browser the device can be had asynchronously only; burn would otherwise block and
        // panic. It also panics when a device is set up twice, as for a second model.
        if SET_UP.with_borrow(Option::is_none) {
            let setup = init_setup_async::<WebGpu>(&device, Default::default()).await;
            setup
                .device
                .set_device_lost_callback(|_, message| report_loss(&message));
            SET_UP.set(Some(setup));
        }
        let classifier = bundle.classifier(&device)?;
        Ok(Self { classifier })
    }

    fn detail(&self) -> String {
        "burn-wgpu".into()
    }

    fn lose(&self) {
        SET_UP.with_borrow(|setup| {
            if let Some(setup) = setup {
                setup.device.destroy();
            }
        });
    }

    fn pipeline(&self) -> &Pipeline<BurnRunner<Backend>> {
        &self.classifier
    }
}
