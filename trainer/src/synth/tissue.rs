//! Signal levels of the tissues and the textures that all three planes share.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::field::{Point, cover, mix, noise, noise3, pt, step};

/// Signal of each tissue on a T1 slice after contrast agent, before windowing: 0 is air, about 1 is fat.
pub(super) struct Tissue {
    pub csf: f32,
    pub grey: f32,
    pub white: f32,
    pub fat: f32,
    pub bone: f32,
    pub marrow: f32,
    pub muscle: f32,
    pub vessel: f32,
    /// Enhancing tumour.
    pub enhancing: f32,
}

impl Tissue {
    /// Levels of one imagined scanner and protocol.
    pub fn random(rng: &mut ChaCha8Rng) -> Self {
        let grey = rng.random_range(0.33..0.41);
        let white = grey + rng.random_range(0.03..0.13);
        Self {
            csf: grey * rng.random_range(0.32..0.55),
            grey,
            white,
            fat: rng.random_range(0.75..1.05),
            bone: rng.random_range(0.05..0.09),
            marrow: rng.random_range(0.18..0.42),
            muscle: grey * rng.random_range(0.75..1.0),
            vessel: rng.random_range(0.5..0.85),
            enhancing: white * rng.random_range(1.45..2.0),
        }
    }
}

/// Folded cortex: sulci as dark curves that run inwards, a grey ribbon along them, white matter between.
pub(super) struct Cortex {
    seed: u32,
    /// Sulci per unit of length along the surface, roughly.
    pub density: f32,
    /// How far sulci reach inwards.
    pub depth: f32,
    /// Half width of a sulcus, in units of the folding noise.
    pub gap: f32,
    /// Share of folds that ignore the surface's direction, 0..=1 (the medial face of a hemisphere).
    pub medial: f32,
}

impl Cortex {
    pub fn random(rng: &mut ChaCha8Rng) -> Self {
        Self {
            seed: rng.random(),
            density: rng.random_range(4.2..6.0),
            depth: rng.random_range(0.17..0.27),
            gap: rng.random_range(0.03..0.10),
            medial: 0.0,
        }
    }

    /// Signal at `p`, which lies `inside` the brain's surface by that distance.
    pub fn shade(&self, tissue: &Tissue, p: Point, inside: f32) -> f32 {
        let mottle =
            1.0 + 0.05 * noise(p * 7.0, self.seed ^ 19) + 0.05 * noise(p * 24.0, self.seed ^ 20);
        let reach = self.depth * (1.0 + 0.9 * noise(p * 4.0, self.seed ^ 16));
        let open = mix(step(reach, 0.4 * reach, inside), 1.0, self.medial);
        if open == 0.0 {
            return tissue.white * mottle;
        }
        let warp = pt(
            noise(p * 4.5, self.seed ^ 11),
            noise(p * 4.5, self.seed ^ 12),
        );
        let fine = pt(
            noise(p * 11.0, self.seed ^ 13),
            noise(p * 11.0, self.seed ^ 14),
        );
        let w = p + warp * 0.13 + fine * 0.03;
        let radial = noise3(
            w.unit() * self.density,
            inside * 3.5 + w.length() * 1.2,
            self.seed,
        );
        let free = noise(w * (self.density * 1.6), self.seed ^ 15);
        let fold = mix(
            radial,
            free,
            self.medial.max(0.35 * step(0.05, 0.2, inside)),
        )
        .abs();
        // Grey matter: the outer ribbon and both banks of every sulcus.
        let ribbon = step(0.055, 0.02, inside).max(step(0.27, 0.13, fold) * open);
        let mut signal = mix(tissue.white, tissue.grey, ribbon);
        let gap = self.gap * (0.7 + 0.9 * noise(p * 3.0, self.seed ^ 17)).max(0.15);
        let sulcus = step(gap + 0.05, gap * 0.3, fold) * open;
        signal = mix(signal, tissue.csf, 0.8 * sulcus);
        // A few cortical veins enhance.
        if sulcus > 0.0 {
            let vein = sulcus * step(0.28, 0.45, noise(p * 9.0, self.seed ^ 18));
            signal = mix(signal, tissue.vessel, 0.6 * vein);
        }
        signal * mottle
    }
}

/// Cerebellum: thin, nearly parallel folia that bend around `hub`.
pub(super) fn folia(tissue: &Tissue, p: Point, hub: Point, inside: f32, seed: u32) -> f32 {
    let bend = pt(noise(p * 5.0, seed ^ 21), noise(p * 5.0, seed ^ 22)) * 0.05;
    let q = p + bend - hub;
    let leaf = noise3(q.unit() * 5.5, q.length() * 2.0, seed ^ 23).abs();
    let shells = noise(
        pt(q.length() * 26.0, noise(q * 3.0, seed ^ 24) * 2.0),
        seed ^ 25,
    );
    let groove = step(0.10, 0.02, leaf).max(0.75 * step(0.1, 0.4, shells));
    let core = step(0.06, 0.16, inside);
    let base = mix(tissue.grey, tissue.white, 0.7 * core);
    // The white matter branches out between the folia.
    let branch = step(0.22, 0.34, leaf) * step(0.03, 0.08, inside);
    let base = mix(base, tissue.white * 1.05, 0.8 * branch);
    mix(base, tissue.csf, 0.6 * groove * (1.0 - 0.7 * core))
}

/// Layers from the brain's surface out to the skin.
pub(super) struct Shell {
    seed: u32,
    /// Thickness of the skull.
    pub skull: f32,
    /// Thickness of the fluid and dura between brain and skull.
    pub fluid: f32,
}

impl Shell {
    pub fn random(rng: &mut ChaCha8Rng) -> Self {
        Self {
            seed: rng.random(),
            skull: rng.random_range(0.035..0.06),
            fluid: rng.random_range(0.006..0.022),
        }
    }

    /// Signal `outside` the brain by one distance and `inside` the skin by another.
    pub fn shade(&self, tissue: &Tissue, p: Point, outside: f32, inside: f32) -> f32 {
        if outside < -0.02 {
            return tissue.csf;
        }
        let uneven = 1.0 + 0.35 * noise(p * 2.5, self.seed) + 0.15 * noise(p * 8.0, self.seed ^ 1);
        let skull = self.skull * uneven;
        let bone_to = self.fluid + skull;
        // Fat under the skin, with the darker galea and muscle fascicles in it.
        let mut scalp = tissue.fat
            * (0.82 + 0.3 * noise(p * 10.0, self.seed ^ 2) + 0.25 * noise(p * 30.0, self.seed ^ 3));
        scalp = mix(
            scalp,
            tissue.muscle,
            0.6 * step(0.1, 0.35, noise(p * 3.2, self.seed ^ 4)) * step(0.03, 0.045, inside),
        );
        scalp = mix(scalp, 0.55 * tissue.fat, step(0.016, 0.006, inside));
        let across = ((outside - self.fluid) / skull).clamp(0.0, 1.0);
        let diploe = step(0.25, 0.45, across) * step(0.8, 0.6, across);
        let speckle = 0.75 + 0.9 * noise(p * 14.0, self.seed ^ 5);
        let bone = mix(tissue.bone, tissue.marrow * speckle, 0.8 * diploe);
        let mut signal = mix(scalp, bone, cover(outside - bone_to));
        // Dura enhances a little in patches; the fluid below it is dark.
        let dura = step(0.010, 0.002, (outside - self.fluid).abs())
            * step(0.05, 0.4, noise(p * 5.0, self.seed ^ 6));
        signal = mix(signal, tissue.csf * 0.9, cover(outside - self.fluid));
        mix(signal, tissue.vessel, 0.45 * dura)
    }
}

/// Muscle bellies, fat planes and air below the skull base: busy, high in contrast.
pub(super) fn face(tissue: &Tissue, p: Point, seed: u32) -> f32 {
    let warp = pt(noise(p * 4.0, seed ^ 31), noise(p * 4.0, seed ^ 32));
    let q = p + warp * 0.12;
    let belly = noise(pt(q.x * 7.0, q.y * 4.0), seed ^ 33);
    let plane = step(0.13, 0.02, belly.abs());
    let fibre = 1.0 + 0.35 * noise(pt(q.x * 26.0, q.y * 9.0), seed ^ 34);
    let mut signal = tissue.muscle * (0.85 + 0.5 * belly) * fibre;
    signal = mix(
        signal,
        0.75 * tissue.fat,
        0.75 * plane * step(-0.25, 0.25, noise(p * 3.0, seed ^ 35)),
    );
    let dark = step(0.22, 0.4, noise(q * 5.5, seed ^ 36));
    signal = mix(signal, tissue.bone, 0.85 * dark);
    let bright = step(0.3, 0.45, noise(q * 8.0, seed ^ 37));
    mix(signal, tissue.vessel, 0.6 * bright)
}
