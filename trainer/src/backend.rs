//! Which burn backend trains and which infers.

use anyhow::Result;
use clap::ValueEnum;

/// A choice of backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum BackendName {
    /// The processor: burn-flex trains, burn-candle infers.
    #[default]
    Cpu,
    /// A GPU through Vulkan, Metal or DirectX 12.
    Wgpu,
    /// An NVIDIA GPU; needs a build with `--features cuda`.
    Cuda,
    /// LibTorch's kernels on the processor; needs a build with `--features tch`.
    Tch,
}

/// Work that is generic over the backend that trains.
pub trait WithTrainingBackend {
    /// What the work gives.
    type Output;
    /// Does the work on a backend with automatic differentiation.
    fn run<B: burn::tensor::backend::AutodiffBackend>(
        self,
        name: &str,
        device: B::Device,
    ) -> Result<Self::Output>;
}

/// Work that is generic over the backend that infers.
pub trait WithInferenceBackend {
    /// What the work gives.
    type Output;
    /// Does the work.
    fn run<B: burn::tensor::backend::Backend>(
        self,
        name: &str,
        device: B::Device,
    ) -> Result<Self::Output>;
}

/// burn-candle, the processor's inference backend.
// Deprecated in 0.21 and gone in 0.22; this project stays on 0.21 to have it.
#[allow(deprecated)]
pub type Candle = burn_candle::Candle<f32, i64>;

impl BackendName {
    /// Runs a piece of training work on the chosen backend.
    pub fn train<W: WithTrainingBackend>(self, work: W) -> Result<W::Output> {
        use burn_autodiff::Autodiff;
        match self {
            Self::Cpu => work.run::<Autodiff<burn_flex::Flex>>("burn-flex", Default::default()),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => work.run::<Autodiff<burn_wgpu::Wgpu>>("burn-wgpu", Default::default()),
            #[cfg(feature = "cuda")]
            Self::Cuda => work.run::<Autodiff<burn_cuda::Cuda>>("burn-cuda", Default::default()),
            #[cfg(feature = "tch")]
            Self::Tch => work.run::<Autodiff<burn_tch::LibTorch>>("burn-tch", Default::default()),
            #[allow(unreachable_patterns)]
            _ => Err(self.missing()),
        }
    }

    /// Runs a piece of inference work on the chosen backend.
    pub fn infer<W: WithInferenceBackend>(self, work: W) -> Result<W::Output> {
        match self {
            Self::Cpu => work.run::<Candle>("burn-candle", Default::default()),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => work.run::<burn_wgpu::Wgpu>("burn-wgpu", Default::default()),
            #[cfg(feature = "cuda")]
            Self::Cuda => work.run::<burn_cuda::Cuda>("burn-cuda", Default::default()),
            #[cfg(feature = "tch")]
            Self::Tch => work.run::<burn_tch::LibTorch>("burn-tch", Default::default()),
            #[allow(unreachable_patterns)]
            _ => Err(self.missing()),
        }
    }

    #[allow(dead_code)]
    fn missing(self) -> anyhow::Error {
        let name = self
            .to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_string());
        anyhow::anyhow!(
            "this build has no {name} backend; build it with `cargo build --release -p scanlight \
             --features {name}`, or choose the CPU"
        )
    }
}
