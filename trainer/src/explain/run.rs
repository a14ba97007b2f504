//! Explains images and measures the maps.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use burn::tensor::backend::Backend;
use rayon::prelude::*;
use scanlight_model::bundle::Bundle;
use scanlight_model::cam::{CamMethod, ClassMap};
use scanlight_model::classify::{Classifier, softmax};
use scanlight_model::explain::{ExplainOptions, Explanation};
use scanlight_model::formats::read_scan;
use scanlight_model::preprocess::{ModelInput, preprocess};

use super::curves;
use super::measures::{Chance, LesionBox, Overlap, chance, overlap};
use crate::backend::WithInferenceBackend;
use crate::progress::Progress;

/// Images that are decoded and explained at a time.
const CHUNK: usize = 16;
/// Input planes in one pass.
const BATCH: usize = 32;
/// Longest side in pixels at which a map is compared with a box.
const MEASURED_SIDE: u32 = 256;

/// An image with a lesion.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Path relative to the data set.
    pub relative: String,
    /// Where the file is.
    pub path: PathBuf,
    /// Index of the true class.
    pub class: usize,
    /// Whose image it is.
    pub patient: String,
    /// Where the lesion is.
    pub lesion: LesionBox,
}

/// Which class's map is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum WhichClass {
    /// The true one, whatever the network says.
    True,
    /// The one that the network finds most probable.
    Predicted,
}

/// What is measured, and how finely.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The methods.
    pub methods: Vec<CamMethod>,
    /// Which class is explained.
    pub which: WhichClass,
    /// What the methods leave open.
    pub options: ExplainOptions,
    /// Steps of deletion and insertion; 0 leaves them out.
    pub steps: usize,
    /// How far outside the box a peak still hits, as a share of the image's longer side.
    pub tolerance: f32,
}

/// One method on one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Whether the map is empty: nothing speaks for the class.
    pub empty: bool,
    /// Whether the peak hits the box; an empty map has none.
    pub hit: bool,
    /// Energy and overlap.
    pub overlap: Overlap,
    /// Areas under the deletion and the insertion curve.
    pub curves: Option<[f64; 2]>,
}

/// One image.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Index into the subjects.
    pub subject: usize,
    /// Whether the network names the true class.
    pub right: bool,
    /// By method, in the order of the settings.
    pub methods: Vec<Measured>,
    /// The floor.
    pub chance: Chance,
}

/// All images.
#[derive(Debug, Clone, Default)]
pub struct Outcomes {
    /// Those that could be read, in order.
    pub images: Vec<Outcome>,
    /// The others, each with the reason.
    pub unreadable: Vec<String>,
}

/// The work for a backend.
pub struct ExplainWork<'a> {
    /// The model.
    pub bundle: &'a Bundle,
    /// The images.
    pub subjects: &'a [Subject],
    /// What to do.
    pub settings: &'a Settings,
}

impl WithInferenceBackend for ExplainWork<'_> {
    type Output = Outcomes;

    fn run<B: Backend>(self, _name: &str, device: B::Device) -> Result<Self::Output> {
        let classifier = self.bundle.classifier::<B>(&device)?;
        let progress = Progress::new("explaining", self.subjects.len() as u64);
        let mut outcomes = Outcomes::default();
        let indices: Vec<usize> = (0..self.subjects.len()).collect();
        for chunk in indices.chunks(CHUNK) {
            let read: Vec<Result<ModelInput>> = chunk
                .par_iter()
                .map(|&index| self.read(&self.subjects[index].path))
                .collect();
            let (mut numbers, mut inputs) = (Vec::new(), Vec::new());
            for (&index, input) in chunk.iter().zip(read) {
                match input {
                    Ok(input) => {
                        numbers.push(index);
                        inputs.push(input);
                    }
                    Err(error) => {
                        let name = &self.subjects[index].relative;
                        outcomes.unreadable.push(format!("{name}: {error:#}"));
                    }
                }
            }
            outcomes
                .images
                .extend(self.measure(&classifier, &numbers, &inputs)?);
            progress.set(chunk[chunk.len() - 1] as u64 + 1, "");
        }
        progress.finish();
        Ok(outcomes)
    }
}

impl ExplainWork<'_> {
    fn read(&self, path: &Path) -> Result<ModelInput> {
        let bytes = std::fs::read(path).context("cannot be read")?;
        let scan = read_scan(&bytes).context("cannot be decoded")?;
        Ok(preprocess(&scan, &self.bundle.manifest.input))
    }

    fn measure<B: Backend>(
        &self,
        classifier: &Classifier<B>,
        numbers: &[usize],
        inputs: &[ModelInput],
    ) -> Result<Vec<Outcome>> {
        let Settings {
            methods, options, ..
        } = self.settings;
        let explained = classifier.explain_batch(inputs, methods, options);
        let explanations = pollster::block_on(explained)?;
        let mut outcomes: Vec<Outcome> = numbers
            .par_iter()
            .zip(&explanations)
            .map(|(&number, explanation)| self.against_box(number, explanation))
            .collect();
        if self.settings.steps > 0 {
            for ((outcome, input), explanation) in
                outcomes.iter_mut().zip(inputs).zip(&explanations)
            {
                let class = self.class(outcome.subject, explanation);
                let maps = explanation.maps.iter().map(|maps| &maps[class]);
                let areas = self.against_network(
                    classifier,
                    input,
                    &explanation.logits,
                    class,
                    &maps.collect::<Vec<_>>(),
                )?;
                for (measured, areas) in outcome.methods.iter_mut().zip(areas) {
                    measured.curves = Some(areas);
                }
            }
        }
        Ok(outcomes)
    }

    /// The class whose maps are measured.
    fn class(&self, subject: usize, explanation: &Explanation) -> usize {
        match self.settings.which {
            WhichClass::True => self.subjects[subject].class,
            WhichClass::Predicted => predicted(&explanation.logits),
        }
    }

    fn against_box(&self, subject: usize, explanation: &Explanation) -> Outcome {
        let Subject { class, lesion, .. } = &self.subjects[subject];
        let placement = &explanation.placement;
        let target = lesion.grown(self.settings.tolerance, placement.image);
        let [width, height] = measured_size(placement.image);
        let shown = self.class(subject, explanation);
        let mut grid = [1, 1];
        let methods = explanation.maps.iter().map(|maps| {
            let map = &maps[shown];
            grid = [map.width(), map.height()];
            let empty = map.strength() <= 0.0;
            Measured {
                empty,
                hit: !empty && target.contains(map.peak(placement)),
                overlap: overlap(
                    &map.upsample(placement, width, height),
                    width as usize,
                    lesion,
                ),
                curves: None,
            }
        });
        Outcome {
            subject,
            right: predicted(&explanation.logits) == *class,
            methods: methods.collect(),
            chance: chance(grid, placement, lesion, |point| target.contains(point)),
        }
    }

    /// Areas under the deletion and the insertion curve of each map. Equal maps are run once.
    fn against_network<B: Backend>(
        &self,
        classifier: &Classifier<B>,
        input: &ModelInput,
        logits: &[f32],
        class: usize,
        maps: &[&ClassMap],
    ) -> Result<Vec<[f64; 2]>> {
        let geometry = &self.bundle.manifest.input;
        let (width, height) = (geometry.width as usize, geometry.height as usize);
        let steps = self.settings.steps;
        let dark = curves::darkened(input);
        let soft = curves::blurred(input);
        let mut different: Vec<&ClassMap> = Vec::new();
        for map in maps {
            if !different.contains(map) {
                different.push(map);
            }
        }
        // Deletion and insertion of each map in turn; the curves' ends are common to all of them.
        let mut planes: Vec<Vec<f32>> = different
            .par_iter()
            .flat_map_iter(|map| {
                let order = curves::order(input, &map.on_plane(width, height));
                let deletion = curves::between(&input.values, &dark, &order, steps);
                deletion
                    .into_iter()
                    .chain(curves::between(&soft, &input.values, &order, steps))
            })
            .collect();
        planes.extend([dark, soft]);
        let mut scores = Vec::with_capacity(planes.len());
        for batch in planes.chunks(BATCH) {
            let batch: Vec<&[f32]> = batch.iter().map(Vec::as_slice).collect();
            for row in pollster::block_on(classifier.logits(&batch))? {
                scores.push(self.probability(&row, class));
            }
        }
        let whole = self.probability(logits, class);
        let (inner, ends) = scores.split_at(scores.len() - 2);
        let areas: Vec<[f64; 2]> = (0..different.len())
            .map(|index| {
                let curves = &inner[index * 2 * (steps - 1)..(index + 1) * 2 * (steps - 1)];
                let (deletion, insertion) = curves.split_at(steps - 1);
                let area = |start: f64, middle: &[f64], end: f64| {
                    let points = std::iter::once(start).chain(middle.iter().copied());
                    curves::area(&points.chain([end]).collect::<Vec<_>>())
                };
                [
                    area(whole, deletion, ends[0]),
                    area(ends[1], insertion, whole),
                ]
            })
            .collect();
        Ok(maps
            .iter()
            .filter_map(|map| different.iter().position(|d| d == map))
            .map(|index| areas[index])
            .collect())
    }

    fn probability(&self, logits: &[f32], class: usize) -> f64 {
        f64::from(softmax(logits, self.bundle.manifest.temperature())[class])
    }
}

fn predicted(logits: &[f32]) -> usize {
    let best = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
    best.unwrap_or_default()
}

/// The image's size, reduced so that no side exceeds [`MEASURED_SIDE`].
fn measured_size([width, height]: [u32; 2]) -> [u32; 2] {
    let longer = width.max(height).max(1);
    if longer <= MEASURED_SIDE {
        return [width, height];
    }
    let scaled =
        |side: u32| (u64::from(side) * u64::from(MEASURED_SIDE) / u64::from(longer)).max(1) as u32;
    [scaled(width), scaled(height)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_images_are_measured_smaller() {
        assert_eq!(measured_size([200, 100]), [200, 100]);
        assert_eq!(measured_size([1024, 512]), [256, 128]);
        assert_eq!(measured_size([10_000, 3]), [256, 1]);
    }
}
