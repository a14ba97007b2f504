//! The parent, the scans that were added, and the training under way.

use crate::archive;
use crate::protocol::{Report, Score, Strangeness};
use burn_autodiff::Autodiff;
use burn_flex::Flex;
use scanlight_formats::read_scan;
use scanlight_formats::{ReadError, Scan};
use scanlight_model::bundle::{Bundle, BundleError, MANIFEST_FILE, Manifest};
use scanlight_model::tune::{self, Example, Making, Parent, Point, Recipe, Training, TuneError};
use std::collections::BTreeMap;
use thiserror::Error;

/// What trains.
type Backend = Autodiff<Flex>;
/// And what the bundle says of it.
const BACKEND: &str = "burn-autodiff on burn-flex, wasm32";
/// Longest side of the picture sent to the page.
const PICTURE_SIDE: u32 = 96;

/// Why something could not be done.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The file is none that can be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The bundle is none, or does not fit.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The network or its training failed.
    #[error(transparent)]
    Tune(#[from] TuneError),
    /// The new bundle could not be put into an archive.
    #[error("the archive could not be written: {0}")]
    Archive(#[from] zip::result::ZipError),
    /// Something came before the network.
    #[error("the network is not loaded")]
    NotLoaded,
    /// There is no training under way.
    #[error("nothing is being trained")]
    Idle,
}

/// A scan that was looked at.
pub enum Added {
    /// It is kept; its picture, and the parent's answer.
    Kept {
        /// Width and height.
        size: [u32; 2],
        /// Grey, 8 bits.
        grey: Vec<u8>,
        /// Index of the most probable class.
        predicted: usize,
    },
    /// It is the same as another one.
    Twin(u32),
}

/// A new bundle, in its files.
pub struct Files {
    /// `model.json`.
    pub manifest: Vec<u8>,
    /// The weights.
    pub weights: Vec<u8>,
    /// Both in a zip archive.
    pub archive: Vec<u8>,
}

/// What the worker knows.
#[derive(Default)]
pub struct Session {
    parent: Option<Parent>,
    scans: BTreeMap<u32, (usize, Example)>,
    training: Option<(Training<Backend>, Making)>,
}

impl Session {
    /// Loads the network to begin with; scans of an earlier one are forgotten.
    pub fn load(&mut self, manifest: &[u8], weights: Vec<u8>) -> Result<(), SessionError> {
        *self = Self::default();
        let bundle = Bundle::new(Manifest::parse(manifest)?, weights)?;
        self.parent = Some(Parent::new(bundle)?);
        Ok(())
    }

    /// Looks at the scan in a file.
    pub fn add(&mut self, id: u32, class: usize, file: &[u8]) -> Result<Added, SessionError> {
        let parent = self.parent.as_ref().ok_or(SessionError::NotLoaded)?;
        let scan = read_scan(file)?;
        let example = parent.look(&scan, &Recipe::default().views)?;
        let mut others = self.scans.iter();
        let twin = others.find(|(other, (_, known))| **other != id && known.is_twin(&example));
        if let Some((other, _)) = twin {
            return Ok(Added::Twin(*other));
        }
        let (size, grey) = picture(&scan);
        let predicted = example.predicted();
        self.scans.insert(id, (class, example));
        Ok(Added::Kept {
            size,
            grey,
            predicted,
        })
    }

    /// Forgets a scan.
    pub fn remove(&mut self, id: u32) {
        self.scans.remove(&id);
    }

    /// Begins to train, in the order in which the scans were added.
    pub fn tune(&mut self, created: String, skipped: u32) -> Result<(), SessionError> {
        let parent = self.parent.as_ref().ok_or(SessionError::NotLoaded)?;
        let examples: Vec<&Example> = self.scans.values().map(|(_, example)| example).collect();
        let labels: Vec<usize> = self.scans.values().map(|(class, _)| *class).collect();
        let recipe = Recipe::default();
        let training = Training::new(parent, &examples, &labels, recipe, &Default::default())?;
        let making = Making {
            created,
            backend: BACKEND.into(),
            skipped: skipped.into(),
        };
        self.training = Some((training, making));
        Ok(())
    }

    /// Whether training is under way.
    pub fn is_training(&self) -> bool {
        self.training.is_some()
    }

    /// Steps of training at most.
    pub fn most(&self) -> usize {
        Recipe::default().steps
    }

    /// Ends training; says whether there was any.
    pub fn stop(&mut self) -> bool {
        self.training.take().is_some()
    }

    /// Goes on with training: the steps made, where they led, and whether that is the end.
    pub fn advance(&mut self) -> Result<(usize, Point, bool), SessionError> {
        let (training, _) = self.training.as_mut().ok_or(SessionError::Idle)?;
        let point = training.advance()?;
        // A step is made unless this is the end: what was found belongs to the steps before it.
        Ok((training.steps(), point, training.done()))
    }

    /// The new bundle, once training is done.
    pub fn finish(&mut self) -> Result<(Report, Files), SessionError> {
        let (training, making) = self.training.take().ok_or(SessionError::Idle)?;
        let parent = self.parent.as_ref().ok_or(SessionError::NotLoaded)?;
        let examples: Vec<&Example> = self.scans.values().map(|(_, example)| example).collect();
        let outcome = training.finish()?;
        let child = tune::child(parent, &examples, &outcome, making)?;
        let held_out = outcome.held_out;
        let score = |score: &tune::Score| Score {
            right: score.right,
            loss: score.loss,
        };
        let report = Report {
            id: child.bundle.manifest.id.clone(),
            images: held_out.after.images,
            steps: outcome.steps,
            rounds: held_out.rounds,
            alone: held_out.alone,
            before: score(&held_out.before),
            after: score(&held_out.after),
            mended: held_out.mended,
            spoiled: held_out.spoiled,
            moved: outcome.moved,
            never_unsure: child.never_unsure,
            strangeness: match child.strangeness {
                tune::Strangeness::None => Strangeness::None,
                tune::Strangeness::Kept => Strangeness::Kept,
                tune::Strangeness::Raised { .. } => Strangeness::Raised,
                tune::Strangeness::Dropped => Strangeness::Dropped,
            },
            refitted: child.refitted,
            unseen: child.unseen,
            ms: 0.0,
        };
        let manifest = child.bundle.manifest.to_json()?.into_bytes();
        let weights = child.bundle.weights().to_vec();
        let name = &child.bundle.manifest.weights.file;
        let archive = archive::zip(&[(MANIFEST_FILE, &manifest), (name, &weights)])?;
        let files = Files {
            manifest,
            weights,
            archive,
        };
        Ok((report, files))
    }
}

/// The scan, small: each pixel one of the scan's.
fn picture(scan: &Scan) -> ([u32; 2], Vec<u8>) {
    let grey = scan.to_luma8();
    let (width, height) = (scan.width(), scan.height());
    let longest = width.max(height).max(1);
    let small = |side: u32| (side * PICTURE_SIDE.min(longest) / longest).max(1);
    let size = [small(width), small(height)];
    let mut pixels = Vec::with_capacity((size[0] * size[1]) as usize);
    for y in 0..size[1] {
        let row = (2 * y + 1) * height / (2 * size[1]);
        for x in 0..size[0] {
            let column = (2 * x + 1) * width / (2 * size[0]);
            let at = row as usize * width as usize + column as usize;
            pixels.push(grey.get(at).copied().unwrap_or(0));
        }
    }
    (size, pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use scanlight_formats::Scan;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn pictures_are_small_and_keep_their_proportions() {
        let grey: Vec<u8> = (0..300 * 150)
            .map(|at| if at % 300 < 150 { 10 } else { 200 })
            .collect();
        let (size, pixels) = picture(&Scan::from_luma8(300, 150, &grey).unwrap());
        assert_eq!(size, [96, 48]);
        assert_eq!(pixels.len(), 96 * 48);
        assert!(pixels[0] < pixels[95]);
        assert_eq!(picture(&Scan::from_luma8(3, 2, &[0; 6]).unwrap()).0, [3, 2]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_page_asks_for_as_many_as_training_does() {
        assert_eq!(crate::protocol::LEAST, tune::LEAST);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn nothing_happens_before_the_network_is_there() {
        let mut session = Session::default();
        assert!(matches!(
            session.add(1, 0, b""),
            Err(SessionError::NotLoaded)
        ));
        assert!(matches!(
            session.tune(String::new(), 0),
            Err(SessionError::NotLoaded)
        ));
        assert!(matches!(session.advance(), Err(SessionError::Idle)));
        assert!(!session.stop());
    }
}
