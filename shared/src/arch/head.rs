//! The classification head that all architectures share.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Tensor, activation::relu, backend::Backend};

/// Sizes of a [`Head`].
#[derive(Config, Debug, PartialEq)]
pub struct HeadConfig {
    /// Channels of the feature maps.
    pub channels: usize,
    /// Number of classes.
    pub classes: usize,
    /// Width of a hidden dense layer with ReLU; 0 for none.
    pub hidden: usize,
    /// Dropout probability before the last layer, while training.
    pub dropout: f64,
}

/// Global average pooling and one or two dense layers.
///
/// Because the pooling is a mean, the gradient of a logit with respect to the feature maps has a
/// closed form ([`Head::logits_and_gradients`]): class-activation maps need neither hooks nor autodiff.
#[derive(Module, Debug)]
pub struct Head<B: Backend> {
    hidden: Option<Linear<B>>,
    output: Linear<B>,
    dropout: Dropout,
}

impl HeadConfig {
    /// A head with fresh weights.
    pub fn init<B: Backend>(&self, device: &B::Device) -> Head<B> {
        let hidden =
            (self.hidden > 0).then(|| LinearConfig::new(self.channels, self.hidden).init(device));
        let width = if self.hidden > 0 {
            self.hidden
        } else {
            self.channels
        };
        Head {
            hidden,
            output: LinearConfig::new(width, self.classes).init(device),
            dropout: DropoutConfig::new(self.dropout).init(),
        }
    }

    /// Number of trained values.
    pub fn parameter_count(&self) -> u64 {
        let (channels, hidden, classes) = (
            self.channels as u64,
            self.hidden as u64,
            self.classes as u64,
        );
        if hidden == 0 {
            channels * classes + classes
        } else {
            channels * hidden + hidden + hidden * classes + classes
        }
    }
}

impl<B: Backend> Head<B> {
    /// Channels of the feature maps that it takes.
    pub fn channels(&self) -> usize {
        let first = self.hidden.as_ref().unwrap_or(&self.output);
        first.weight.dims()[0]
    }

    /// Feature maps `[N, K, h, w]` to logits `[N, C]`.
    pub fn forward(&self, features: Tensor<B, 4>) -> Tensor<B, 2> {
        let pooled = pool(features);
        let x = match &self.hidden {
            Some(hidden) => relu(hidden.forward(pooled)),
            None => pooled,
        };
        self.output.forward(self.dropout.forward(x))
    }

    /// Logits `[N, C]`, and the gradient `[N, C, K]` of each with respect to the pooled features.
    pub fn logits_and_gradients(&self, features: Tensor<B, 4>) -> (Tensor<B, 2>, Tensor<B, 3>) {
        let pooled = pool(features);
        let [batch, channels] = pooled.dims();
        let output = self.output.weight.val();
        let [width, classes] = output.dims();
        match &self.hidden {
            None => {
                let gradients = output.transpose().unsqueeze::<3>();
                (
                    self.output.forward(pooled),
                    gradients.expand([batch, classes, channels]),
                )
            }
            Some(hidden) => {
                let before = hidden.forward(pooled);
                let active = before
                    .clone()
                    .greater_elem(0.0)
                    .float()
                    .reshape([batch, 1, width]);
                let logits = self.output.forward(relu(before));
                let at_hidden = active * output.transpose().unsqueeze::<3>();
                let gradients = at_hidden
                    .reshape([batch * classes, width])
                    .matmul(hidden.weight.val().transpose())
                    .reshape([batch, classes, channels]);
                (logits, gradients)
            }
        }
    }
}

/// Each channel's mean, then each channel's deviation over the plane: `[N, K, h, w]` to `[N, 2 K]`.
pub fn moments<B: Backend>(features: Tensor<B, 4>) -> Tensor<B, 2> {
    let [batch, channels, height, width] = features.dims();
    let planes = features.reshape([batch, channels, height * width]);
    let means = planes.clone().mean_dim(2);
    let away = planes - means.clone();
    let deviations = (away.clone() * away).mean_dim(2).sqrt();
    Tensor::cat(vec![means, deviations], 1).reshape([batch, 2 * channels])
}

/// Global average pooling, `[N, K, h, w]` to `[N, K]`.
fn pool<B: Backend>(features: Tensor<B, 4>) -> Tensor<B, 2> {
    let [batch, channels, height, width] = features.dims();
    features
        .reshape([batch, channels, height * width])
        .mean_dim(2)
        .reshape([batch, channels])
}
