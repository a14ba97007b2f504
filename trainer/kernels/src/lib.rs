//! Training kernels: a backend's own convolution, batch norm and activation in one differentiable step.
//!
//! burn takes the gradient of a convolution's weight as a convolution with a kernel as large as the
//! plane, and batch norm as a dozen passes over the memory; these kernels do what PyTorch does.

pub mod autodiff;
mod flex;
#[cfg(feature = "tch")]
mod tch;
#[cfg(test)]
mod tests;

/// From now on networks train with these kernels, on the backends that have one.
pub fn install() {
    autodiff::install::<burn_flex::Flex>();
    #[cfg(feature = "tch")]
    autodiff::install::<burn_tch::LibTorch>();
}
