//! Coronal slices: vertex up, through the frontal horns and the sella or, further back, through the cerebellum.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::anatomy::{Anatomy, jittered};
use super::field::{Point, Shape, cover, curve, ellipse, mix, noise, pt, step};
use super::tissue::{Cortex, Shell, Tissue, face, folia};

pub(super) struct Coronal {
    /// The hemispheres of the cerebellum, on a slice behind the brain stem.
    cerebellum: Option<Shape>,
    head: Shape,
    brain: Shape,
    horns: [Shape; 2],
    cortex: Cortex,
    shell: Shell,
    seed: u32,
    ganglia: f32,
    sinus: Point,
}

impl Coronal {
    /// A random slice; `sella` forces the level of the pituitary gland.
    pub fn random(rng: &mut ChaCha8Rng, sella: bool) -> Self {
        let posterior = rng.random_bool(0.3) && !sella;
        let jaw = rng.random_range(0.82..1.05);
        let outline = [
            pt(0.0, -0.87),
            pt(0.27, -0.82),
            pt(0.51, -0.62),
            pt(0.62, -0.3),
            pt(0.625, 0.0),
            pt(0.60, 0.2),
            pt(0.585 * jaw, 0.4),
            pt(0.55 * jaw, 0.65),
            pt(0.46 * jaw, 0.9),
            pt(0.38 * jaw, 1.3),
            pt(0.0, 1.4),
        ];
        let mut inner = [
            pt(0.0, -0.765),
            pt(0.25, -0.725),
            pt(0.44, -0.55),
            pt(0.53, -0.28),
            pt(0.53, -0.02),
            pt(0.475, 0.14),
            pt(0.36, 0.215),
            pt(0.24, 0.2),
            pt(0.16, 0.1),
            pt(0.08, 0.07),
            pt(0.0, 0.07),
        ];
        if posterior {
            for (point, y) in inner[5..]
                .iter_mut()
                .zip([0.1, 0.13, 0.1, 0.05, 0.01, -0.01])
            {
                point.y = y;
            }
        }
        let size = pt(rng.random_range(0.7..1.5), rng.random_range(0.75..1.25));
        let horn = [
            pt(0.018, -0.25),
            pt(0.06, -0.285),
            pt(0.13, -0.325),
            pt(0.165, -0.315),
            pt(0.13, -0.25),
            pt(0.075, -0.19),
            pt(0.03, -0.165),
        ];
        let horn = horn.map(|p| {
            pt(
                0.018 + (p.x - 0.018) * size.x,
                -0.25 + (p.y + 0.25) * size.y,
            )
        });
        let atrium = [
            pt(0.15, -0.13),
            pt(0.19, -0.17),
            pt(0.23, -0.13),
            pt(0.235, -0.04),
            pt(0.21, 0.01),
            pt(0.18, -0.03),
        ];
        let horn = if posterior { &atrium[..] } else { &horn[..] };
        let cerebellum = posterior.then(|| {
            let right = [
                pt(0.0, 0.07),
                pt(0.14, 0.09),
                pt(0.3, 0.16),
                pt(0.42, 0.2),
                pt(0.42, 0.3),
                pt(0.3, 0.41),
                pt(0.14, 0.44),
                pt(0.05, 0.4),
                pt(0.0, 0.37),
            ];
            Shape::mirrored(&jittered(rng, &right, 0.012))
        });
        let mut side = |sign: f32| {
            let points: Vec<Point> = jittered(rng, horn, 0.010)
                .iter()
                .map(|p| pt(p.x * sign, p.y))
                .collect();
            Shape::smooth(&points)
        };
        let horns = [side(1.0), side(-1.0)];
        Self {
            cerebellum,
            head: Shape::mirrored(&jittered(rng, &outline, 0.012)),
            brain: Shape::mirrored(&jittered(rng, &inner, 0.010)),
            horns,
            cortex: Cortex::random(rng),
            shell: Shell::random(rng),
            seed: rng.random(),
            ganglia: rng.random_range(0.4..1.0),
            sinus: pt(rng.random_range(0.08..0.14), rng.random_range(0.05..0.09)),
        }
    }

    fn below(&self, tissue: &Tissue, p: Point) -> f32 {
        let mut q = p.folded();
        q.x += 0.012 * noise(p * 5.0, self.seed ^ 1);
        let mut signal = face(tissue, q, self.seed ^ 2);
        // Masseter and pterygoid bellies beside the jaw bone.
        let belly = ellipse(q, pt(0.44, 0.58), pt(0.06, 0.2), 0.02);
        signal = mix(
            signal,
            tissue.muscle * (0.9 + 0.4 * noise(pt(p.x * 30.0, p.y * 8.0), self.seed ^ 3)),
            cover(belly),
        );
        let jaw = ellipse(q, pt(0.36, 0.62), pt(0.022, 0.2), 0.02);
        signal = mix(signal, tissue.bone, cover(jaw - 0.014));
        signal = mix(signal, tissue.marrow * 1.5, cover(jaw));
        if self.cerebellum.is_some() {
            return signal;
        }
        // Sphenoid sinus and pharynx hold air.
        let ragged = noise(p * 9.0, self.seed ^ 4) * 0.03;
        let sinus = ellipse(q, pt(0.0, 0.235), self.sinus, 0.0) + ragged;
        signal = mix(signal, tissue.grey * 1.1, step(0.03, 0.0, sinus));
        signal = mix(signal, 0.03, cover(sinus));
        let throat = ellipse(q, pt(0.0, 0.56), pt(0.07, 0.13), 0.0) + ragged;
        signal = mix(signal, tissue.grey * 1.3, step(0.04, 0.0, throat));
        mix(signal, 0.03, cover(throat))
    }

    /// Basal ganglia, thalamus, the brighter callosum, Sylvian fissures, third ventricle and the cistern below.
    fn central(&self, tissue: &Tissue, p: Point, signal: f32) -> f32 {
        let (q, mut signal) = (p.folded(), signal);
        let mut grey = cover(ellipse(q, pt(0.09, -0.09), pt(0.065, 0.08), 0.0));
        grey = grey.max(cover(ellipse(q, pt(0.23, -0.13), pt(0.05, 0.1), -0.03)));
        grey = grey.max(cover(ellipse(q, pt(0.155, -0.25), pt(0.03, 0.06), 0.08)));
        signal = mix(signal, tissue.grey, self.ganglia * grey);
        let callosum = ellipse(q, pt(0.0, -0.33), pt(0.16, 0.035), -0.01);
        signal = mix(signal, tissue.white * 1.04, cover(callosum));
        let wobble = noise(p * 8.0, self.seed ^ 5) * 0.02;
        let sylvian = [
            pt(0.56, 0.0),
            pt(0.44, -0.02),
            pt(0.36, -0.05),
            pt(0.33, -0.13),
            pt(0.36, -0.2),
        ];
        let bend = pt(noise(p * 4.0, self.seed ^ 8), noise(p * 4.0, self.seed ^ 9)) * 0.07;
        let d = curve(q + bend + pt(wobble, wobble), &sylvian);
        let width = 1.0 + 1.2 * noise(p * 5.0, self.seed ^ 10);
        signal = mix(signal, tissue.grey, step(0.055, 0.025, d));
        signal = mix(
            signal,
            tissue.csf,
            0.85 * step(0.024 * width, 0.006 * width, d),
        );
        signal = mix(
            signal,
            tissue.csf,
            0.9 * cover(ellipse(p, pt(0.0, -0.07), pt(0.014, 0.07), 0.0)),
        );
        // Temporal horn, and the cistern under the hypothalamus.
        signal = mix(
            signal,
            tissue.csf,
            0.8 * cover(ellipse(q, pt(0.3, 0.06), pt(0.03, 0.012), 0.08)),
        );
        let cistern = ellipse(q, pt(0.0, 0.055), pt(0.15, 0.035), 0.0) + 0.5 * wobble;
        signal = mix(signal, tissue.csf, 0.95 * cover(cistern));
        signal = mix(
            signal,
            tissue.grey,
            cover(ellipse(p, pt(0.0, 0.035), pt(0.05, 0.014), 0.0)),
        );
        signal
    }

    fn sellar(&self, tissue: &Tissue, p: Point, signal: f32) -> f32 {
        let (q, mut signal) = (p.folded(), signal);
        // Gland, carotids in the cavernous sinus, sagittal sinus.
        signal = mix(
            signal,
            tissue.grey * 1.25,
            cover(ellipse(p, pt(0.0, 0.122), pt(0.045, 0.018), 0.0)),
        );
        signal = mix(
            signal,
            tissue.grey * 1.2,
            0.8 * cover(ellipse(q, pt(0.105, 0.14), pt(0.04, 0.04), 0.0)),
        );
        signal = mix(
            signal,
            tissue.bone,
            cover(ellipse(q, pt(0.105, 0.13), pt(0.018, 0.018), 0.0)),
        );
        signal
    }

    /// Cerebellum at signed distance `c`, under the enhancing tentorium.
    fn hindbrain(&self, tissue: &Tissue, p: Point, c: f32, signal: f32) -> f32 {
        let mut signal = mix(signal, tissue.csf, cover(c - 0.014));
        let tent = curve(
            p.folded(),
            &[
                pt(0.0, 0.02),
                pt(0.15, 0.085),
                pt(0.32, 0.15),
                pt(0.46, 0.17),
            ],
        );
        signal = mix(signal, tissue.vessel, 0.5 * step(0.014, 0.004, tent));
        if c < 0.01 {
            signal = mix(
                signal,
                folia(tissue, p, pt(0.0, -0.25), -c, self.seed ^ 11),
                cover(c),
            );
        }
        mix(
            signal,
            tissue.csf,
            0.8 * cover(ellipse(p, pt(0.0, 0.2), pt(0.03, 0.035), 0.0)),
        )
    }
}

impl Anatomy for Coronal {
    fn brain(&self, p: Point) -> f32 {
        self.brain.distance(p)
    }

    fn sella(&self) -> Point {
        pt(0.0, 0.10)
    }

    fn shade(&self, tissue: &Tissue, p: Point) -> f32 {
        let (h, b) = (self.head.distance(p), self.brain.distance(p));
        if h > 0.02 {
            return 0.0;
        }
        let c = self
            .cerebellum
            .as_ref()
            .map_or(f32::MAX, |shape| shape.distance(p));
        let posterior = self.cerebellum.is_some();
        let mut signal = self.shell.shade(tissue, p, b.min(c), -h);
        let q = p.folded();
        // Below a line that rises from the midline to the ear, the vault gives way to face and neck.
        let line = if posterior { 0.2 } else { 0.06 };
        let base = step(0.02, 0.09, p.y - line - 0.1 * q.x)
            * step(0.035, 0.07, b.min(c))
            * step(0.03, 0.06, -h);
        if base > 0.0 {
            signal = mix(signal, self.below(tissue, p), base);
        }
        if b < 0.01 {
            let mut inside = self.cortex.shade(tissue, p - pt(0.0, -0.25), -b);
            if !posterior {
                inside = self.central(tissue, p, inside);
            }
            // Fissure above the callosum.
            let centre = noise(pt(0.0, p.y * 6.0), self.seed ^ 6) * 0.018;
            let x = (p.x - centre).abs();
            let open = if posterior {
                step(-0.02, -0.06, p.y)
            } else {
                step(-0.36, -0.4, p.y)
            };
            inside = mix(inside, tissue.grey, open * step(0.05, 0.03, x));
            inside = mix(inside, tissue.csf, 0.85 * open * step(0.026, 0.006, x));
            inside = mix(
                inside,
                tissue.vessel,
                0.45 * open
                    * step(0.009, 0.002, x)
                    * step(-0.3, 0.3, noise(p * 4.0, self.seed ^ 7)),
            );
            let lateral = self.horns[0].distance(p).min(self.horns[1].distance(p));
            inside = mix(inside, tissue.csf * 0.85, cover(lateral));
            signal = mix(signal, inside, cover(b));
        }
        if posterior {
            signal = self.hindbrain(tissue, p, c, signal);
        } else {
            signal = self.sellar(tissue, p, signal);
        }
        signal = mix(
            signal,
            tissue.vessel,
            0.8 * cover(ellipse(p, pt(0.0, -0.785), pt(0.03, 0.025), 0.0)),
        );
        signal * cover(h)
    }
}
