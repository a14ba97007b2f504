//! Everything that a run needs to go on exactly where it was.

use anyhow::{Context, Result, bail};
use burn::module::Module;
use burn::optim::Optimizer;
use burn::record::{BinBytesRecorder, FullPrecisionSettings, Recorder};
use burn::tensor::backend::AutodiffBackend;
use scanlight_model::arch::{Architecture, Network};
use sha2::{Digest, Sha256};

use super::ema::Ema;
use super::folder::RunFolder;
use super::optimizer::NetworkOptimizer;
use super::record::State;

/// What a training changes.
pub struct Model<B: AutodiffBackend> {
    /// The network that is trained.
    pub network: Network<B>,
    /// The optimiser with its moments.
    pub optimizer: NetworkOptimizer<B>,
    /// The running mean of the weights, unless it is switched off.
    pub ema: Option<Ema<B::InnerBackend>>,
}

type Bytes = BinBytesRecorder<FullPrecisionSettings>;

const STATE: &str = "checkpoint/state.json";

impl RunFolder {
    /// How far the run has come; the start where it has no checkpoint yet.
    pub fn state(&self) -> Result<State> {
        if self.path(STATE).exists() {
            self.read_json(STATE)
        } else {
            Ok(State::default())
        }
    }

    /// Saves everything needed to go on, and says in the state where it is.
    ///
    /// Network, optimiser and mean are one file, so that they are always of the same step, and the
    /// state that names it is written after it: a stop at any moment leaves a whole checkpoint.
    pub fn save_checkpoint<B: AutodiffBackend>(
        &self,
        model: &Model<B>,
        state: &mut State,
    ) -> Result<()> {
        let recorder = Bytes::default();
        let network = model.network.clone().into_record();
        let mut parts = vec![
            Recorder::<B>::record(&recorder, network, ())?,
            Recorder::<B>::record(&recorder, model.optimizer.to_record(), ())?,
        ];
        if let Some(ema) = &model.ema {
            let record = ema.network().clone().into_record();
            parts.push(Recorder::<B::InnerBackend>::record(&recorder, record, ())?);
            state.ema_updates = ema.updates();
        }
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part);
        }
        let before = std::mem::replace(
            &mut state.checkpoint,
            format!(
                "checkpoint/epoch-{:04}-step-{:06}.bin",
                state.epoch, state.step
            ),
        );
        state.checkpoint_sha256 = digest(&bytes);
        self.write(&state.checkpoint, &bytes)?;
        self.write(STATE, &serde_json::to_vec_pretty(state)?)?;
        if !before.is_empty() && before != state.checkpoint {
            // Only a convenience: an old checkpoint that stays does no harm.
            let _ = std::fs::remove_file(self.path(&before));
        }
        Ok(())
    }

    /// Loads what [`RunFolder::save_checkpoint`] saved into a fresh model.
    pub fn load_checkpoint<B: AutodiffBackend>(
        &self,
        model: Model<B>,
        state: &State,
        architecture: &Architecture,
        classes: usize,
        device: &B::Device,
    ) -> Result<Model<B>> {
        if state.checkpoint.is_empty() {
            bail!(
                "the run {} was made by an older version whose checkpoints are not understood; start a \
                 new run with `scanlight train --config {}`",
                self.root().display(),
                self.path("config.toml").display()
            );
        }
        let path = self.path(&state.checkpoint);
        let bytes =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let damaged = || format!("the checkpoint {} is damaged", path.display());
        // burn panics on records that it cannot read.
        if digest(&bytes) != state.checkpoint_sha256 {
            bail!("{}: its SHA-256 is not the one in {STATE}", damaged());
        }
        let mut rest = bytes.as_slice();
        let mut part = || -> Result<Option<Vec<u8>>> {
            if rest.is_empty() {
                return Ok(None);
            }
            let (length, after) = rest.split_first_chunk::<8>().with_context(damaged)?;
            let length = usize::try_from(u64::from_le_bytes(*length)).with_context(damaged)?;
            let (part, after) = after.split_at_checked(length).with_context(damaged)?;
            rest = after;
            Ok(Some(part.to_vec()))
        };
        let (network, optimizer, mean) = (
            part()?.with_context(damaged)?,
            part()?.with_context(damaged)?,
            part()?,
        );
        let recorder = Bytes::default();
        let network = Recorder::<B>::load(&recorder, network, device).with_context(damaged)?;
        let optimizer = Recorder::<B>::load(&recorder, optimizer, device).with_context(damaged)?;
        let ema = match (model.ema, mean) {
            (Some(ema), Some(mean)) => {
                let record = Recorder::<B::InnerBackend>::load(&recorder, mean, device)
                    .with_context(damaged)?;
                // A network of its own: running statistics are shared between clones.
                let network = architecture
                    .init::<B::InnerBackend>(classes, device)
                    .load_record(record);
                Some(Ema::new(network, state.ema_updates, ema.decay()))
            }
            (None, _) => None,
            (Some(_), None) => bail!(
                "ema.decay was changed from 0 within the run {}; set it back",
                self.root().display()
            ),
        };
        Ok(Model {
            network: model.network.load_record(network),
            optimizer: model.optimizer.load_record(optimizer),
            ema,
        })
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
