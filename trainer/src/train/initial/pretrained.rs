//! ImageNet weights of MobileNetV2 for pictures with one channel.

use anyhow::{Context, Result, bail};
use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, TensorData};
use scanlight_model::arch::{FoldedConv, Network};
use scanlight_model::bundle::weights::{StoredTensor, Tensors};
use scanlight_model::preprocess::{InputGeometry, to_tensor};

/// Most images that batch norm's statistics are measured on; every layer's output of all of them is
/// in memory at once.
const SAMPLES: usize = 32;

/// The pretrained network's pixel values as a function of ours: `scale * ours + offset`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Grey {
    scale: f32,
    offset: f32,
}

impl Grey {
    /// The pretrained network saw black as -1 and white as 1, ours sees every image with mean 0 and
    /// deviation 1. Which grey value was which is lost; this brings the images' darkest pixels to
    /// black and their brightest to white, on average over `samples`.
    fn fit(samples: &[&[f32]]) -> Self {
        let mean = |of: fn(f32, f32) -> f32| {
            let extremes = samples.iter().filter_map(|s| s.iter().copied().reduce(of));
            extremes.sum::<f32>() / samples.len().max(1) as f32
        };
        let (dark, bright) = (mean(f32::min), mean(f32::max));
        let scale = 2.0 / (bright - dark).max(1e-3);
        Self {
            scale,
            offset: -1.0 - scale * dark,
        }
    }

    /// Folds "grey, scaled, repeated in every channel" into a first layer: it then takes one channel
    /// and our values. Both give the same numbers but along the edge that is padded: the padding's 0
    /// is our images' mean, where the pretrained network had a medium grey.
    fn fold(
        self,
        weight: &StoredTensor,
        bias: &StoredTensor,
    ) -> Option<(StoredTensor, StoredTensor)> {
        let &[outputs, channels, height, width] = weight.shape.as_slice() else {
            return None;
        };
        let plane = height * width;
        if bias.shape != [outputs] || channels == 0 || plane == 0 {
            return None;
        }
        let mut summed = Vec::with_capacity(outputs * plane);
        let mut shifted = Vec::with_capacity(outputs);
        for (filter, bias) in weight
            .values
            .chunks_exact(channels * plane)
            .zip(&bias.values)
        {
            for place in 0..plane {
                let over_channels: f32 = filter.iter().skip(place).step_by(plane).sum();
                summed.push(self.scale * over_channels);
            }
            shifted.push(bias + self.offset * filter.iter().sum::<f32>());
        }
        Some((
            StoredTensor {
                shape: vec![outputs, 1, height, width],
                values: summed,
            },
            StoredTensor {
                shape: vec![outputs],
                values: shifted,
            },
        ))
    }
}

/// A network with the pretrained convolutions of `file`, batch norm's statistics measured on some of
/// `samples`; the head stays. Names and layout: `MobileNetV2::unfold`.
pub fn unfold<B: Backend>(
    network: Network<B>,
    file: &Tensors,
    samples: &[&[f32]],
    geometry: &InputGeometry,
    device: &B::Device,
) -> Result<Network<B>> {
    let stride = samples.len().div_ceil(SAMPLES).max(1);
    let chosen: Vec<&[f32]> = samples.iter().copied().step_by(stride).collect();
    unfold_with(
        network,
        file,
        Grey::fit(&chosen),
        to_tensor(&chosen, geometry, device),
    )
}

fn unfold_with<B: Backend>(
    network: Network<B>,
    file: &Tensors,
    grey: Grey,
    input: Tensor<B, 4>,
) -> Result<Network<B>> {
    let Network::MobileNetV2(network) = network else {
        bail!("pretrained weights are for mobilenet_v2 only: add --arch mobilenet-v2");
    };
    let device = input.device();
    let mut used = 0;
    let network = network.unfold(input, |name, shape| -> Result<FoldedConv<B>> {
        let tensor = |part: &str| {
            let name = format!("{name}.{part}");
            file.get(&name)
                .with_context(|| format!("it has no tensor {name:?}"))
        };
        let (mut weight, mut bias) = (tensor("weight")?.clone(), tensor("bias")?.clone());
        used += 2;
        if name == "stem" {
            (weight, bias) = grey.fold(&weight, &bias).with_context(|| {
                format!("its tensor {name}.weight has shape {:?}", weight.shape)
            })?;
        }
        if weight.shape != shape || bias.shape != shape[..1] {
            bail!(
                "its layer {name:?} has shape {:?} and {:?}, but the network needs {shape:?} (was the file made for another width multiplier?)",
                weight.shape,
                bias.shape
            );
        }
        Ok(FoldedConv {
            weight: Tensor::from_data(TensorData::new(weight.values, weight.shape), &device),
            bias: Tensor::from_data(TensorData::new(bias.values, bias.shape), &device),
        })
    })?;
    if used != file.len() {
        bail!(
            "it has {} tensors, but the network takes {used}: it belongs to another network",
            file.len()
        );
    }
    Ok(Network::MobileNetV2(network))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::AutodiffModule;
    use burn::tensor::Distribution;
    use burn::tensor::module::conv2d;
    use burn::tensor::ops::ConvOptions;
    use burn_autodiff::Autodiff;
    use burn_flex::Flex;
    use scanlight_model::arch::{Architecture, InvertedStageConfig, MobileNetV2Config};

    fn architecture() -> Architecture {
        let stage = |expansion, channels, blocks, stride| InvertedStageConfig {
            expansion,
            channels,
            blocks,
            stride,
        };
        Architecture::MobileNetV2(MobileNetV2Config {
            width: 0.5,
            stem: 16,
            stages: vec![stage(1, 16, 1, 1), stage(3, 32, 2, 2), stage(2, 48, 1, 2)],
            last: 24,
            dropout: 0.0,
        })
    }

    fn random<const D: usize>(shape: [usize; D], deviation: f64) -> Tensor<Flex, D> {
        Tensor::random(
            shape,
            Distribution::Normal(0.0, deviation),
            &Default::default(),
        )
    }

    /// A file as published, with random values, and the name, stride and groups of each layer in order.
    fn file() -> (Tensors, Vec<(String, usize, usize)>) {
        let blocks = [(8, 1, 8, 1), (8, 3, 16, 2), (16, 3, 16, 1), (16, 2, 24, 2)];
        // Name, stride, groups.
        let mut layers = vec![("stem".to_string(), [8, 3, 3, 3], 2, 1)];
        for (index, (from, expansion, to, stride)) in blocks.into_iter().enumerate() {
            let name = |part: &str| format!("blocks.{}.{part}", index + 1);
            let inside = from * expansion;
            if expansion > 1 {
                layers.push((name("expand"), [inside, from, 1, 1], 1, 1));
            }
            layers.push((name("depthwise"), [inside, 1, 3, 3], stride, inside));
            layers.push((name("project"), [to, inside, 1, 1], 1, 1));
        }
        layers.push(("head_conv".into(), [24, 24, 1, 1], 1, 1));
        let mut tensors = Tensors::new();
        let mut order = Vec::new();
        for (name, shape, stride, groups) in layers {
            let fan_in = (shape[1] * shape[2] * shape[3]) as f64;
            let stored = |values: Vec<f32>, shape: &[usize]| StoredTensor {
                shape: shape.to_vec(),
                values,
            };
            let weight = random(shape, (2.0 / fan_in).sqrt())
                .into_data()
                .into_vec()
                .unwrap();
            let bias = random([shape[0]], 0.3).into_data().into_vec().unwrap();
            tensors.insert(format!("{name}.weight"), stored(weight, &shape));
            tensors.insert(format!("{name}.bias"), stored(bias, &shape[..1]));
            order.push((name, stride, groups));
        }
        (tensors, order)
    }

    /// The folded network written down directly, on three channels.
    fn folded(
        file: &Tensors,
        layers: &[(String, usize, usize)],
        input: Tensor<Flex, 4>,
    ) -> Tensor<Flex, 4> {
        let device = Default::default();
        let mut x = input;
        let mut carried = x.clone();
        for (name, stride, groups) in layers {
            if name.ends_with("expand") || name == "blocks.1.depthwise" {
                carried = x.clone();
            }
            let get = |part: &str| &file[&format!("{name}.{part}")];
            let (weight, bias) = (get("weight"), get("bias"));
            let kernel = weight.shape[2];
            // An even plane: stride 2 pads right and bottom only.
            let before = usize::from(kernel == 3 && *stride == 1);
            let after = usize::from(kernel == 3);
            let padded = x.pad([(0, 0), (0, 0), (before, after), (before, after)], 0.0);
            let data = |t: &StoredTensor| TensorData::new(t.values.clone(), t.shape.clone());
            x = conv2d(
                padded,
                Tensor::from_data(data(weight), &device),
                Some(Tensor::from_data(data(bias), &device)),
                ConvOptions::new([*stride, *stride], [0, 0], [1, 1], *groups),
            );
            if name.ends_with("project") {
                if x.dims() == carried.dims() {
                    x = x + carried.clone();
                }
            } else {
                x = x.clamp(0.0, 6.0);
            }
        }
        x
    }

    fn largest<const D: usize>(a: Tensor<Flex, D>, b: Tensor<Flex, D>) -> f32 {
        assert_eq!(a.dims(), b.dims());
        (a - b).abs().max().into_scalar()
    }

    #[test]
    fn evaluation_mode_computes_what_the_folded_network_does() {
        let device = Default::default();
        let (file, layers) = file();
        let network: Network<Flex> = architecture().init(4, &device);
        let same = Grey {
            scale: 1.0,
            offset: 0.0,
        };
        let network = unfold_with(network, &file, same, random([6, 1, 32, 48], 1.0)).unwrap();
        // Other images than those it was fitted to, and a tenth of their contrast too.
        for deviation in [1.0, 0.1] {
            let input = random([3, 1, 32, 48], deviation);
            let expected = folded(&file, &layers, input.clone().repeat_dim(1, 3));
            let difference = largest(network.features(input), expected.clone());
            assert!(difference < 1e-4, "{difference}");
            let (low, high): (f32, f32) = (
                expected.clone().min().into_scalar(),
                expected.max().into_scalar(),
            );
            assert!(
                low == 0.0 && high > 0.5,
                "features from {low} to {high} prove little"
            );
        }
    }

    #[test]
    fn training_mode_starts_close_to_it() {
        let (file, _) = file();
        let device = Default::default();
        let fresh: Network<Autodiff<Flex>> = architecture().init(4, &device);
        let input = random([24, 1, 32, 32], 1.0);
        let same = Grey {
            scale: 1.0,
            offset: 0.0,
        };
        let unfolded = unfold_with(fresh.valid(), &file, same, input.clone()).unwrap();
        let trained = Network::<Autodiff<Flex>>::from_inner(unfolded.clone());
        let there = trained.features(Tensor::from_inner(input.clone())).inner();
        // On the very images of the fit both modes have the same statistics.
        let difference = largest(there, unfolded.features(input));
        assert!(difference < 1e-3, "{difference}");
    }

    #[test]
    fn grey_is_repeated_scaled_and_folded() {
        let dark: &[f32] = &[-1.0, 0.0, 3.0];
        let bright: &[f32] = &[-2.0, 0.5, 4.0];
        let grey = Grey::fit(&[dark, bright]);
        assert!((grey.scale * -1.5 + grey.offset + 1.0).abs() < 1e-6);
        assert!((grey.scale * 3.5 + grey.offset - 1.0).abs() < 1e-6);

        let (file, _) = file();
        let (weight, bias) = (&file["stem.weight"], &file["stem.bias"]);
        let (folded_weight, folded_bias) = grey.fold(weight, bias).unwrap();
        let device = Default::default();
        let run = |input: Tensor<Flex, 4>, weight: &StoredTensor, bias: &StoredTensor| {
            let data = |t: &StoredTensor| TensorData::new(t.values.clone(), t.shape.clone());
            conv2d(
                input,
                Tensor::from_data(data(weight), &device),
                Some(Tensor::from_data(data(bias), &device)),
                ConvOptions::new([2, 2], [0, 0], [1, 1], 1),
            )
        };
        let ours = random([2, 1, 9, 9], 1.0);
        let theirs = (ours.clone() * grey.scale + grey.offset).repeat_dim(1, 3);
        let difference = largest(
            run(ours, &folded_weight, &folded_bias),
            run(theirs, weight, bias),
        );
        assert!(difference < 1e-4, "{difference}");
    }

    #[test]
    fn files_that_do_not_fit_are_named() {
        let (file, _) = file();
        let geometry = InputGeometry::square(32);
        let sample = vec![0.5; 32 * 32];
        let error = |file: &Tensors, architecture: &Architecture| {
            let network: Network<Flex> = architecture.init(4, &Default::default());
            let result = unfold(network, file, &[&sample], &geometry, &Default::default());
            format!("{:#}", result.err().unwrap())
        };
        let mut changed = file.clone();
        changed.remove("blocks.2.expand.bias");
        assert!(error(&changed, &architecture()).contains("blocks.2.expand.bias"));
        let mut changed = file.clone();
        changed.insert("classifier.weight".into(), file["stem.bias"].clone());
        assert!(error(&changed, &architecture()).contains("another network"));
        let wide = Architecture::MobileNetV2(MobileNetV2Config::default());
        assert!(error(&file, &wide).contains("stem"));
        let other = Architecture::ReferenceCnn(Default::default());
        assert!(error(&file, &other).contains("--arch mobilenet-v2"));
    }
}
