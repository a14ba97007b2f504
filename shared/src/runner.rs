//! What computes a network: everything behind it is the same, whatever that is.

use burn::tensor::{Tensor, backend::Backend};

use crate::arch::Network;
use crate::cam::Activations;
use crate::classify::ClassifyError;
use crate::layers::Layer;
use crate::preprocess::{InputGeometry, to_tensor};

/// A loaded network, wherever it runs.
///
/// Implementations check that their results are finite. Futures need not be `Send`: in a browser
/// there is one thread.
pub trait Runner {
    /// What runs, for messages.
    fn name(&self) -> String;

    /// Features, gradients and logits of several normalised input planes, in their order.
    fn activations(
        &self,
        planes: &[&[f32]],
    ) -> impl Future<Output = Result<Vec<Activations>, ClassifyError>>;

    /// What each block makes of one normalised input plane, in the network's order.
    fn layers(&self, plane: &[f32]) -> impl Future<Output = Result<Vec<Layer>, ClassifyError>>;

    /// Logits of several normalised input planes, in their order and before temperature scaling.
    fn logits(
        &self,
        planes: &[&[f32]],
    ) -> impl Future<Output = Result<Vec<Vec<f32>>, ClassifyError>> {
        async move {
            let activations = self.activations(planes).await?;
            Ok(activations
                .into_iter()
                .map(Activations::into_logits)
                .collect())
        }
    }
}

/// A network on a device of a burn backend.
#[derive(Debug)]
pub struct BurnRunner<B: Backend> {
    network: Network<B>,
    input: InputGeometry,
    device: B::Device,
}

impl<B: Backend> BurnRunner<B> {
    /// A network that lies on `device` and takes inputs of this geometry.
    pub fn new(network: Network<B>, input: InputGeometry, device: B::Device) -> Self {
        Self {
            network,
            input,
            device,
        }
    }

    /// The network.
    pub fn network(&self) -> &Network<B> {
        &self.network
    }

    /// The device it lies on.
    pub fn device(&self) -> &B::Device {
        &self.device
    }

    /// A tensor's values, which must all be finite.
    async fn read(&self, tensor: Tensor<B, 2>) -> Result<Vec<f32>, ClassifyError> {
        let data = tensor
            .into_data_async()
            .await
            .map_err(|error| self.failed(error.to_string()))?;
        let values: Vec<f32> = data
            .convert::<f32>()
            .into_vec()
            .map_err(|error| self.failed(format!("{error:?}")))?;
        if values.iter().all(|value| value.is_finite()) {
            Ok(values)
        } else {
            Err(ClassifyError::NotFinite {
                backend: self.name(),
            })
        }
    }

    fn failed(&self, reason: String) -> ClassifyError {
        ClassifyError::Backend {
            backend: self.name(),
            reason,
        }
    }
}

impl<B: Backend> Runner for BurnRunner<B> {
    fn name(&self) -> String {
        B::name(&self.device)
    }

    /// One read-back from the device serves all planes.
    async fn activations(&self, planes: &[&[f32]]) -> Result<Vec<Activations>, ClassifyError> {
        if planes.is_empty() {
            return Ok(Vec::new());
        }
        let tensor = to_tensor::<B>(planes, &self.input, &self.device);
        let features = self.network.features(tensor);
        let [batch, channels, height, width] = features.dims();
        let (logits, gradients) = self
            .network
            .head_module()
            .logits_and_gradients(features.clone());
        let classes = logits.dims()[1];
        let values: Tensor<B, 2> = Tensor::cat(
            vec![
                logits,
                gradients.reshape([batch, classes * channels]),
                features.reshape([batch, channels * height * width]),
            ],
            1,
        );
        let row = values.dims()[1];
        let values = self.read(values).await?;
        let activations = values.chunks_exact(row).map(|row| {
            let (logits, rest) = row.split_at(classes);
            let (gradients, features) = rest.split_at(classes * channels);
            let (logits, gradients) = (logits.to_vec(), gradients.to_vec());
            Activations::new(logits, gradients, features.to_vec(), width, height)
        });
        activations
            .collect::<Option<_>>()
            .ok_or_else(|| self.failed("the feature maps came back in another size".into()))
    }

    /// One read-back from the device serves all blocks.
    async fn layers(&self, plane: &[f32]) -> Result<Vec<Layer>, ClassifyError> {
        let tensor = to_tensor::<B>(&[plane], &self.input, &self.device);
        let (mut sizes, mut rows) = (Vec::new(), Vec::new());
        self.network.features_by_block(tensor, &mut |block, maps| {
            let [_, channels, height, width] = maps.dims();
            let length = channels * height * width;
            sizes.push((block, length, width, height));
            rows.push(maps.clone().reshape([1, length]));
        });
        let values = self.read(Tensor::cat(rows, 1)).await?;
        let mut rest = values.as_slice();
        let mut layers = Vec::with_capacity(sizes.len());
        for (block, length, width, height) in sizes {
            let layer = rest.split_at_checked(length).and_then(|(values, left)| {
                rest = left;
                Layer::new(block, values.to_vec(), width, height)
            });
            layers.push(
                layer.ok_or_else(|| {
                    self.failed("a block's maps came back in another size".into())
                })?,
            );
        }
        Ok(layers)
    }

    /// Without reading the features back.
    async fn logits(&self, planes: &[&[f32]]) -> Result<Vec<Vec<f32>>, ClassifyError> {
        if planes.is_empty() {
            return Ok(Vec::new());
        }
        let tensor = to_tensor::<B>(planes, &self.input, &self.device);
        let logits = self.network.forward(tensor);
        let classes = logits.dims()[1];
        let values = self.read(logits).await?;
        Ok(values.chunks_exact(classes).map(<[f32]>::to_vec).collect())
    }
}
