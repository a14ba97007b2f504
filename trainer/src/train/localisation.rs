//! Teaching the network to look at the lesion, where a box says where it is.
//!
//! The class-activation map of the true class, as a softmax over the cells of the feature maps, should
//! lie in the box (the supervision of attention after Ross et al. 2017, <https://arxiv.org/abs/1703.03717>,
//! and Li et al. 2018, <https://arxiv.org/abs/1802.10171>, with the likelihood of a hit as its loss).

use burn::tensor::activation::log_softmax;
use burn::tensor::backend::AutodiffBackend;
use burn::tensor::{Int, Tensor, TensorData};
use scanlight_model::arch::Network;

use super::batches::Batch;
use crate::augment::View;
use crate::config::Config;
use crate::explain::LesionBox;

/// A lesion in one of a batch's inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// Which input.
    pub index: usize,
    /// The class that the lesion is of.
    pub class: usize,
    /// Where, in fractions of the clean plane.
    pub lesion: LesionBox,
    /// How the input shows that plane.
    pub view: View,
    /// Share of the input that is this image and not one mixed into it.
    pub share: f32,
}

/// Added to the part of a cell in the box, so that its logarithm is a number.
const LEAST: f32 = 1e-9;

/// Minus the logarithm of the share of each class-activation map that lies in the lesion's box, summed
/// over the lesions and divided by the number of inputs; `None` where no lesion is in sight.
///
/// `features` are `[N, K, h, w]`.
pub fn loss<B: AutodiffBackend>(
    network: &Network<B>,
    features: &Tensor<B, 4>,
    batch: &Batch,
    config: &Config,
    device: &B::Device,
) -> Option<Tensor<B, 1>> {
    if config.localisation.weight <= 0.0 {
        return None;
    }
    let [count, channels, height, width] = features.dims();
    let sides = [config.input.width as f32, config.input.height as f32];
    let origin = [
        config.architecture.cell_origin(width, config.input.width),
        config.architecture.cell_origin(height, config.input.height),
    ];
    let (mut indices, mut classes) = (Vec::new(), Vec::new());
    let (mut inside, mut shares) = (Vec::new(), Vec::new());
    for located in &batch.lesions {
        let coverage = located
            .view
            .coverage(&located.lesion, [width, height], origin, sides);
        // Moved out of the picture.
        if coverage.iter().all(|part| *part == 0.0) {
            continue;
        }
        indices.push(located.index as i64);
        classes.push(located.class);
        shares.push(located.share / count as f32);
        inside.extend(coverage.iter().map(|part| (part + LEAST).ln()));
    }
    let (found, cells) = (indices.len(), height * width);
    if found == 0 {
        return None;
    }
    let indices = Tensor::<B, 1, Int>::from_data(TensorData::new(indices, [found]), device);
    let features = features.clone().select(0, indices);
    let (_, gradients) = network.head_module().logits_and_gradients(features.clone());
    let [_, outputs, _] = gradients.dims();
    let mut chosen = vec![0.0f32; found * outputs];
    for (row, class) in classes.into_iter().enumerate() {
        chosen[row * outputs + class] = 1.0;
    }
    let chosen = Tensor::<B, 3>::from_data(TensorData::new(chosen, [found, outputs, 1]), device);
    let weights = (gradients * chosen)
        .sum_dim(1)
        .reshape([found, channels, 1]);
    let maps = (features.reshape([found, channels, cells]) * weights)
        .sum_dim(1)
        .reshape([found, cells]);
    let inside = Tensor::<B, 2>::from_data(TensorData::new(inside, [found, cells]), device);
    let shares = Tensor::<B, 2>::from_data(TensorData::new(shares, [found, 1]), device);
    let hits = log_sum_exp(log_softmax(maps, 1) + inside);
    Some((hits * shares).sum().neg())
}

/// Logarithm of the sum of exponentials along the lines of `[N, M]`, `[N, 1]`.
fn log_sum_exp<B: AutodiffBackend>(x: Tensor<B, 2>) -> Tensor<B, 2> {
    let largest = x.clone().max_dim(1).detach();
    (x - largest.clone()).exp().sum_dim(1).log() + largest
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_autodiff::Autodiff;
    use scanlight_model::arch::{Architecture, ReferenceCnnConfig};

    type B = Autodiff<burn_flex::Flex>;

    const SIDE: usize = 4;
    const CHANNELS: usize = 3;

    fn architecture() -> Architecture {
        Architecture::ReferenceCnn(ReferenceCnnConfig {
            channels: vec![CHANNELS],
            hidden: 0,
            dropout: 0.0,
        })
    }

    fn network() -> Network<B> {
        architecture().init(2, &Default::default())
    }

    /// That of [`network`]: it pools once, so its cells part the plane evenly.
    fn config() -> Config {
        let mut config = Config {
            architecture: architecture(),
            ..Config::default()
        };
        config.input.width = 2 * SIDE as u32;
        config.input.height = 2 * SIDE as u32;
        config
    }

    /// Feature maps of three inputs.
    fn features() -> Tensor<B, 4> {
        let count = 3 * CHANNELS * SIDE * SIDE;
        let values: Vec<f32> = (0..count).map(|i| (i * 37 % 101) as f32 / 20.0).collect();
        let shape = [3, CHANNELS, SIDE, SIDE];
        Tensor::from_data(TensorData::new(values, shape), &Default::default())
    }

    /// A network whose cells are centred on their first pixels is taught so: the cell that its map shows over the
    /// box, not the one that parts the plane there.
    #[test]
    fn cells_lie_where_their_maps_are_drawn() {
        let lesion = LesionBox::from_centre([0.25, 0.25, 0.2, 0.2]).unwrap();
        let cells =
            |origin: f32| View::default().coverage(&lesion, [4, 4], [origin; 2], [128.0, 128.0]);
        // Evenly parted, four cells meet in the box; centred on first pixels, one lies right on it.
        let even = cells(0.5);
        assert!(
            even[0] > 0.0 && even[0] == even[5] && even[1] == even[4],
            "{even:?}"
        );
        let first = cells(0.0);
        let best = (0..16).max_by(|&a, &b| first[a].total_cmp(&first[b]));
        assert_eq!(best, Some(5), "{first:?}");
        let compact = Architecture::CompactResnet(Default::default());
        assert!(compact.cell_origin(16, 128) < 0.1);
        let reference = Architecture::ReferenceCnn(Default::default());
        assert_eq!(reference.cell_origin(16, 128), 0.5);
    }

    /// A lesion of class 1 in the second of three inputs.
    fn batch(lesion: [f32; 4]) -> Batch {
        Batch {
            inputs: Vec::new(),
            targets: Vec::new(),
            lesions: vec![Located {
                index: 1,
                class: 1,
                lesion: LesionBox::from_centre(lesion).unwrap(),
                view: View::default(),
                share: 0.5,
            }],
        }
    }

    fn found(features: &Tensor<B, 4>, network: &Network<B>, lesion: [f32; 4]) -> Tensor<B, 1> {
        let device = Default::default();
        loss(network, features, &batch(lesion), &config(), &device).unwrap()
    }

    /// The upper left quarter: cells 0, 1, 4 and 5, wholly covered.
    const QUARTER: [f32; 4] = [0.25, 0.25, 0.5, 0.5];

    #[test]
    fn equals_the_definition() {
        let (network, features) = (network(), features());
        let value: f32 = found(&features, &network, QUARTER).into_scalar();
        let (_, weights) = network.head_module().logits_and_gradients(features.clone());
        let weights: Vec<f32> = weights.into_data().to_vec().unwrap();
        let weights = &weights[3 * CHANNELS..][..CHANNELS];
        let values: Vec<f32> = features.into_data().to_vec().unwrap();
        let planes = &values[CHANNELS * SIDE * SIDE..][..CHANNELS * SIDE * SIDE];
        let mass: Vec<f64> = (0..SIDE * SIDE)
            .map(|cell| {
                let sum: f32 = (0..CHANNELS)
                    .map(|k| weights[k] * planes[k * SIDE * SIDE + cell])
                    .sum();
                f64::from(sum).exp()
            })
            .collect();
        let inside: f64 = [0, 1, 4, 5].into_iter().map(|cell| mass[cell]).sum();
        let expected = -(inside / mass.iter().sum::<f64>()).ln() * 0.5 / 3.0;
        assert!(
            (f64::from(value) - expected).abs() < 1e-4,
            "{value} {expected}"
        );
    }

    #[test]
    fn only_the_lesion_s_input_is_taught_and_a_step_raises_the_share() {
        let network = network();
        let features = features().require_grad();
        let before = found(&features, &network, QUARTER);
        let gradients = before.backward();
        let gradient = features.grad(&gradients).unwrap();
        let sizes: Vec<f32> = gradient
            .clone()
            .abs()
            .sum_dim(3)
            .sum_dim(2)
            .sum_dim(1)
            .into_data()
            .to_vec()
            .unwrap();
        assert_eq!((sizes[0], sizes[2]), (0.0, 0.0));
        assert!(sizes[1] > 0.0);
        let moved = features.clone() - Tensor::from_inner(gradient).mul_scalar(0.1);
        let after: f32 = found(&moved, &network, QUARTER).into_scalar();
        assert!(after < before.into_scalar());
    }

    #[test]
    fn nothing_is_taught_without_a_box_in_sight() {
        let (network, features) = (network(), features());
        let device = Default::default();
        let none = Batch {
            lesions: Vec::new(),
            ..batch(QUARTER)
        };
        assert!(loss(&network, &features, &none, &config(), &device).is_none());
        let mut off = config();
        off.localisation.weight = 0.0;
        assert!(loss(&network, &features, &batch(QUARTER), &off, &device).is_none());
    }
}
