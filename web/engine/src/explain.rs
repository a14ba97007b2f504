//! What can be asked about the scan that the worker holds: other maps, and what the blocks make of it.

use crate::answer;
use crate::picture;
use crate::protocol::{LayerInfo, Method, Reply};
use crate::worker::{Engine, EngineError, Session, heat_buffers, now, post, respond};
use js_sys::Uint8Array;
use scanlight_model::cam::{CamMethod, ClassMap};
use scanlight_model::classify::Look;
use scanlight_model::explain::ExplainOptions;
use scanlight_model::layers::Layer;
use scanlight_model::trials::{OcclusionOptions, Trials};

/// Passes between two looks at what the page wants: a few dozen milliseconds.
const BATCH: usize = 8;

/// A class whose probability no place costs more than this has no occlusion map: scaled to its own
/// peak, noise would look like evidence.
const FAINT: f32 = 0.005;

/// A scan that was classified.
pub(crate) struct Held {
    /// The request that brought it.
    scan: u32,
    look: Look,
    /// What each block makes of it, once that was asked for.
    layers: Option<Vec<Layer>>,
}

/// A slow explanation at work.
pub(crate) struct Job {
    id: u32,
    method: Method,
    trials: Trials,
    start: f64,
}

type Answer = Result<(Reply, Vec<Uint8Array>), EngineError>;

impl<E: Engine> Session<E> {
    /// Holds another scan from now on.
    pub(crate) fn hold(&mut self, scan: u32, look: Look) {
        self.let_go();
        self.held = Some(Held {
            scan,
            look,
            layers: None,
        });
    }

    /// Holds nothing from now on.
    pub(crate) fn let_go(&mut self) {
        self.stop(None);
        self.held = None;
    }

    /// Ends the slow explanation that is at work, if it is the one asked for.
    pub(crate) fn stop(&mut self, wanted: Option<u32>) {
        if let Some(job) = self
            .job
            .take_if(|job| wanted.is_none_or(|wanted| job.id == wanted))
        {
            post(&Reply::Stopped { id: job.id }, &[]);
        }
    }

    /// Explains the held scan, or begins to.
    pub(crate) fn explain(&mut self, id: u32, scan: u32, method: Method) {
        let start = now();
        let (Some(engine), Some(held)) =
            (&self.engine, self.held.as_ref().filter(|h| h.scan == scan))
        else {
            return post(&Reply::NotHeld { id }, &[]);
        };
        let pipeline = engine.pipeline();
        let options = ExplainOptions::default();
        let quick =
            cam_method(method).and_then(|method| pipeline.quick_maps(&held.look, method, &options));
        if let Some(maps) = quick {
            let (reply, buffers) = explained(id, method, &held.look, &maps, start);
            return post(&reply, &buffers);
        }
        let trials = match method {
            Method::Occlusion => {
                pipeline.occlusion_trials(&held.look, &OcclusionOptions::default())
            }
            _ => pipeline.score_cam_trials(&held.look, options.score_channels),
        };
        self.stop(None);
        self.job = Some(Job {
            id,
            method,
            trials,
            start,
        });
    }

    /// Does a step of the slow explanation that is at work.
    pub(crate) async fn work(&mut self) {
        let (Some(engine), Some(held), Some(mut job)) = (&self.engine, &self.held, self.job.take())
        else {
            return;
        };
        let pipeline = engine.pipeline();
        if let Err(error) = pipeline.advance(&mut job.trials, &held.look, BATCH).await {
            return respond(job.id, Err(error.into()));
        }
        if job.trials.done() {
            let mut maps = pipeline.trial_maps(&job.trials, &held.look);
            if job.method == Method::Occlusion {
                for map in maps.iter_mut().filter(|map| map.strength() < FAINT) {
                    let (width, height) = (map.width(), map.height());
                    *map = ClassMap::new(width, height, vec![0.0; width * height]);
                }
            }
            let (reply, buffers) = explained(job.id, job.method, &held.look, &maps, job.start);
            return post(&reply, &buffers);
        }
        let trying = Reply::Trying {
            id: job.id,
            tried: small(job.trials.tried()),
            count: small(job.trials.count()),
        };
        self.job = Some(job);
        post(&trying, &[]);
    }

    /// Shows a block's channels.
    pub(crate) async fn layer(&mut self, id: u32, scan: u32, layer: Option<u32>, most: u32) {
        let (Some(engine), Some(held)) =
            (&self.engine, self.held.as_mut().filter(|h| h.scan == scan))
        else {
            return post(&Reply::NotHeld { id }, &[]);
        };
        let result = held.layer(engine, id, layer, most).await;
        respond(id, result);
    }
}

impl Held {
    async fn layer(
        &mut self,
        engine: &impl Engine,
        id: u32,
        layer: Option<u32>,
        most: u32,
    ) -> Answer {
        let layers = match self.layers.take() {
            Some(layers) => layers,
            None => engine.pipeline().layers(&self.look).await?,
        };
        let layers = self.layers.insert(layers);
        let last = layers.len().saturating_sub(1);
        let index = layer.map_or(last, |layer| last.min(layer as usize));
        let shown = layers.get(index).ok_or(EngineError::NotLoaded)?;
        let channels = shown.most_active(most as usize);
        let buffers = channels
            .iter()
            .map(|(channel, _)| {
                Uint8Array::from(picture::bytes(&shown.scaled(*channel)).as_slice())
            })
            .collect();
        let placement = &self.look.input.placement;
        let [width, height] = placement.model.map(|side| side as f32);
        let target = &placement.target;
        let reply = Reply::Layer {
            id,
            layers: layers.iter().map(info).collect(),
            layer: small(index),
            channels: channels
                .into_iter()
                .map(|(channel, activity)| (small(channel), answer::finite(activity)))
                .collect(),
            seen: [
                target.x / width,
                target.y / height,
                target.width / width,
                target.height / height,
            ],
        };
        Ok((reply, buffers))
    }
}

fn info(layer: &Layer) -> LayerInfo {
    LayerInfo {
        name: layer.block().to_string(),
        channels: small(layer.channels()),
        width: small(layer.width()),
        height: small(layer.height()),
    }
}

fn explained(
    id: u32,
    method: Method,
    look: &Look,
    maps: &[ClassMap],
    start: f64,
) -> (Reply, Vec<Uint8Array>) {
    let placement = &look.input.placement;
    let heat = picture::over_the_picture(maps, placement);
    let reply = Reply::Explained {
        id,
        method,
        heat: picture::heat_size(placement),
        evidence: answer::evidence(maps, placement, &heat),
        strengths: maps
            .iter()
            .map(|map| answer::finite(map.strength()))
            .collect(),
        ms: now() - start,
    };
    (reply, heat_buffers(&heat))
}

fn cam_method(method: Method) -> Option<CamMethod> {
    match method {
        Method::GradCam => Some(CamMethod::GradCam),
        Method::GradCamPlusPlus => Some(CamMethod::GradCamPlusPlus),
        Method::HiresCam => Some(CamMethod::HiresCam),
        Method::LayerCam => Some(CamMethod::LayerCam),
        Method::EigenCam => Some(CamMethod::EigenCam),
        Method::ScoreCam => Some(CamMethod::ScoreCam),
        Method::Occlusion => None,
    }
}

/// Counts of channels and passes, which are far below 2^32.
fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn methods_have_the_model_crates_names() {
        for method in Method::ALL {
            assert_eq!(cam_method(method).map(CamMethod::title), method.title());
        }
    }
}
