//! Training batches, augmented on another thread while the network works.

use std::sync::mpsc::SyncSender;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::augment::augment;
use crate::config::Config;
use crate::data::Image;

/// Inputs and classes of one step.
pub struct Batch {
    /// Each `width * height` values.
    pub inputs: Vec<Vec<f32>>,
    /// Class of each.
    pub classes: Vec<usize>,
}

/// Number of steps of an epoch; a last batch of a single image is left out (batch norm needs two).
pub fn steps(images: usize, batch_size: usize) -> usize {
    images / batch_size + usize::from(images % batch_size >= 2)
}

/// Makes one epoch's batches, in an order and with changes that depend only on the configuration's
/// seed and the epoch, so that a resumed run sees the same.
pub fn produce(images: &[&Image], config: &Config, epoch: u32, batches: &SyncSender<Batch>) {
    let mut order: Vec<usize> = (0..images.len()).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    rng.set_stream(u64::from(epoch) + 1);
    order.shuffle(&mut rng);
    for chosen in order
        .chunks(config.batch_size)
        .take(steps(images.len(), config.batch_size))
    {
        let batch = Batch {
            inputs: chosen
                .iter()
                .map(|&i| augment(images[i], &config.input, &config.augmentation, &mut rng))
                .collect(),
            classes: chosen.iter().map(|&i| images[i].class).collect(),
        };
        if batches.send(batch).is_err() {
            return; // the training stopped
        }
    }
}

#[cfg(test)]
mod tests {
    use super::steps;

    #[test]
    fn a_lone_last_image_is_left_out() {
        assert_eq!(steps(64, 32), 2);
        assert_eq!(steps(65, 32), 2);
        assert_eq!(steps(66, 32), 3);
    }
}
