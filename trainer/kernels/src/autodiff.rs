//! A backend's kernel as an operation of burn's automatic differentiation.

use std::fmt::Debug;
use std::marker::PhantomData;

use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;
use burn::tensor::{Tensor, TensorPrimitive};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};
use scanlight_model::arch::kernel::{self, ConvNormInput, ConvNormOptions, ConvNormOutput};

/// A backend that computes convolution, batch norm and activation, and their gradients, by itself.
pub trait ConvNormKernel: Backend {
    /// What the forward pass leaves for the backward pass.
    type Saved: Clone + Send + Debug + 'static;

    /// The forward pass in training mode. Tensors are `x [N, C, H, W]`, `weight [K, C / groups, h, w]`,
    /// `gamma [K]`, `beta [K]`.
    fn forward(inputs: [FloatTensor<Self>; 4], options: ConvNormOptions) -> Forward<Self>;

    /// The gradients of `x`, `weight`, `gamma` and `beta` where wanted, for that of `y`.
    fn backward(
        saved: Self::Saved,
        gradient: FloatTensor<Self>,
        wanted: [bool; 4],
    ) -> [Option<FloatTensor<Self>>; 4];
}

/// What a forward pass gives.
pub struct Forward<B: ConvNormKernel> {
    /// `[N, K, H', W']`.
    pub y: FloatTensor<B>,
    /// Of the convolution over the batch, `[K]`.
    pub mean: FloatTensor<B>,
    /// Of the convolution over the batch, divided by the number of values, `[K]`.
    pub variance: FloatTensor<B>,
    /// For the backward pass.
    pub saved: B::Saved,
}

/// From now on networks train with the backend's kernel.
pub fn install<B: ConvNormKernel>() {
    kernel::install::<Autodiff<B>>(conv_norm::<B>);
}

#[derive(Debug)]
struct ConvNormBackward<B>(PhantomData<B>);

impl<B: ConvNormKernel> Backward<B, 4> for ConvNormBackward<B> {
    type State = B::Saved;

    fn backward(self, ops: Ops<B::Saved, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let wanted = [0, 1, 2, 3].map(|place| ops.parents[place].is_some());
        let found = B::backward(ops.state, gradient, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(found) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

/// The operation.
pub fn conv_norm<B: ConvNormKernel>(
    input: ConvNormInput<Autodiff<B>>,
) -> ConvNormOutput<Autodiff<B>> {
    let ConvNormInput {
        x,
        weight,
        gamma,
        beta,
        options,
    } = input;
    let tracked = [
        x.into_primitive(),
        weight.into_primitive(),
        gamma.into_primitive(),
        beta.into_primitive(),
    ]
    .map(TensorPrimitive::tensor);
    let nodes = [0, 1, 2, 3].map(|place| tracked[place].node.clone());
    let forward = B::forward(tracked.map(|tensor| tensor.primitive), options);
    let prepared = ConvNormBackward::<B>(PhantomData)
        .prepare::<NoCheckpointing>(nodes)
        .compute_bound()
        .stateful();
    let y = match prepared {
        OpsKind::Tracked(tracked) => tracked.finish(forward.saved, forward.y),
        OpsKind::UnTracked(untracked) => untracked.finish(forward.y),
    };
    let inner = |tensor| {
        Tensor::from_inner(Tensor::<B, 1>::from_primitive(TensorPrimitive::Float(
            tensor,
        )))
    };
    ConvNormOutput {
        y: Tensor::from_primitive(TensorPrimitive::Float(y)),
        mean: inner(forward.mean),
        variance: inner(forward.variance),
    }
}
