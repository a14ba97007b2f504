//! Training batches, augmented on other threads while the network works.

use std::sync::mpsc::SyncSender;

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::localisation::Located;
use super::loss::Targets;
use crate::augment::{Augmented, augment, mix};
use crate::config::Config;
use crate::data::Image;

/// Inputs and targets of one step.
pub struct Batch {
    /// Each `width * height` values.
    pub inputs: Vec<Vec<f32>>,
    /// Each one probability per class, before smoothing.
    pub targets: Vec<Vec<f32>>,
    /// Where lesions are known to be.
    pub lesions: Vec<Located>,
}

/// Number of steps of an epoch; a last batch of a single image is left out (batch norm needs two).
pub fn steps(images: usize, batch_size: usize) -> usize {
    images / batch_size + usize::from(images % batch_size >= 2)
}

/// Numbers drawn in an epoch for one purpose: the order of images, an image, or a batch's mixing.
///
/// Each has its own stream, so that a run goes on in the middle of an epoch without drawing what
/// came before, and the number of threads does not matter.
fn stream(config: &Config, epoch: u32, purpose: Purpose) -> ChaCha8Rng {
    let low = match purpose {
        Purpose::Order => 0,
        Purpose::Image(place) => place as u64 + 1,
        Purpose::Mix(step) => 1 << 31 | step as u64,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    rng.set_stream((u64::from(epoch) + 1) << 32 | low);
    rng
}

#[derive(Debug, Clone, Copy)]
enum Purpose {
    /// The order of images.
    Order,
    /// Changes to the image at a place of the order.
    Image(usize),
    /// Mixing in the batch of a step.
    Mix(usize),
}

/// Makes batches from a training set.
pub struct Producer<'a> {
    images: &'a [&'a Image],
    config: &'a Config,
    targets: &'a Targets,
    pool: rayon::ThreadPool,
}

impl<'a> Producer<'a> {
    /// A producer with one thread for each core but one, which is left to the network.
    pub fn new(images: &'a [&'a Image], config: &'a Config, targets: &'a Targets) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads((cores - 1).max(1))
            .thread_name(|index| format!("augment-{index}"))
            .build()
            .context("cannot start the threads that augment images")?;
        Ok(Self {
            images,
            config,
            targets,
            pool,
        })
    }

    /// Makes one epoch's batches from a step on (counted from 0), in an order and with changes that
    /// depend only on the configuration's seed and the epoch. Says whether all were wanted.
    pub fn produce(&self, epoch: u32, first: usize, batches: &SyncSender<Batch>) -> bool {
        let mut order: Vec<usize> = (0..self.images.len()).collect();
        order.shuffle(&mut stream(self.config, epoch, Purpose::Order));
        let size = self.config.batch_size;
        for (step, chosen) in order
            .chunks(size)
            .enumerate()
            .take(steps(self.images.len(), size))
            .skip(first)
        {
            if batches.send(self.batch(epoch, step, chosen)).is_err() {
                return false;
            }
        }
        true
    }

    fn batch(&self, epoch: u32, step: usize, chosen: &[usize]) -> Batch {
        let config = self.config;
        let augmented: Vec<Augmented> = self.pool.install(|| {
            chosen
                .par_iter()
                .enumerate()
                .map(|(index, &image)| {
                    let place = step * config.batch_size + index;
                    let mut rng = stream(config, epoch, Purpose::Image(place));
                    augment(
                        self.images[image],
                        &config.input,
                        &config.augmentation,
                        &mut rng,
                    )
                })
                .collect()
        });
        let (mut inputs, views): (Vec<_>, Vec<_>) = augmented
            .into_iter()
            .map(|augmented| (augmented.values, augmented.view))
            .unzip();
        let mut rng = stream(config, epoch, Purpose::Mix(step));
        let mixed = mix(&mut inputs, &config.input, &config.mix, &mut rng);
        let class = |index: usize| self.images[chosen[index]].class;
        let targets = mixed
            .iter()
            .enumerate()
            .map(|(index, mixed)| {
                self.targets
                    .distribution(class(index), class(mixed.other), mixed.share)
            })
            .collect();
        let lesions = views
            .into_iter()
            .enumerate()
            .filter_map(|(index, view)| {
                let image = self.images[chosen[index]];
                Some(Located {
                    index,
                    class: image.class,
                    lesion: image.lesion?,
                    view,
                    share: mixed[index].share,
                })
            })
            .collect();
        Batch {
            inputs,
            targets,
            lesions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scanlight_model::preprocess::InputGeometry;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn a_lone_last_image_is_left_out() {
        assert_eq!(steps(64, 32), 2);
        assert_eq!(steps(65, 32), 2);
        assert_eq!(steps(66, 32), 3);
    }

    #[test]
    fn an_epoch_begun_in_the_middle_goes_on_the_same() {
        let images: Vec<Image> = (0..11)
            .map(|index| Image {
                class: index % 3,
                clean: (0..16 * 16)
                    .map(|i| ((i + index) % 5) as f32 - 2.0)
                    .collect(),
                source: (0..32 * 32)
                    .map(|i| ((i * (index + 2)) % 251) as u8)
                    .collect(),
                thumbnail: Vec::new(),
                lesion: None,
            })
            .collect();
        let images: Vec<&Image> = images.iter().collect();
        let config = Config {
            batch_size: 3,
            input: InputGeometry::square(16),
            ..Config::default()
        };
        let targets = Targets {
            class_weights: vec![1.0; 3],
            smoothing: 0.0,
        };
        let producer = Producer::new(&images, &config, &targets).unwrap();
        let made = |epoch, first| -> Vec<Batch> {
            let (sender, receiver) = sync_channel(16);
            producer.produce(epoch, first, &sender);
            drop(sender);
            receiver.into_iter().collect()
        };
        let whole = made(4, 0);
        let rest = made(4, 2);
        assert_eq!((whole.len(), rest.len()), (4, 2));
        for (a, b) in whole[2..].iter().zip(&rest) {
            assert_eq!((&a.inputs, &a.targets), (&b.inputs, &b.targets));
        }
        assert_ne!(whole[0].inputs, made(5, 0)[0].inputs);
        for batch in &whole {
            for target in &batch.targets {
                assert!((target.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            }
        }
        assert!(
            whole
                .iter()
                .flat_map(|b| &b.targets)
                .any(|t| t.iter().all(|p| *p < 1.0)),
            "the default recipe mixes"
        );
    }
}
