//! Axial slices: nose up, one of three levels.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::anatomy::{Anatomy, jittered};
use super::field::{Point, Shape, cover, curve, ellipse, mix, noise, pt, step};
use super::tissue::{Cortex, Shell, Tissue, face, folia};

/// How high the slice cuts.
#[derive(Clone, Copy, PartialEq)]
enum Level {
    /// Above the ventricles.
    Convexity,
    /// Through the lateral ventricles and basal ganglia.
    Ventricles,
    /// Through the suprasellar cistern, midbrain and orbits.
    Cistern,
}

pub(super) struct Axial {
    level: Level,
    head: Shape,
    brain: Shape,
    horns: Vec<Shape>,
    midbrain: Shape,
    cerebellum: Shape,
    cortex: Cortex,
    shell: Shell,
    seed: u32,
    ganglia: f32,
    eye: f32,
}

impl Axial {
    /// A random slice; `low` forces the level of the sella.
    pub fn random(rng: &mut ChaCha8Rng, low: bool) -> Self {
        let level = match rng.random_range(0u32..10) {
            _ if low => Level::Cistern,
            0..2 => Level::Convexity,
            2..6 => Level::Ventricles,
            _ => Level::Cistern,
        };
        let mut outline = vec![
            pt(0.0, -0.83),
            pt(0.24, -0.79),
            pt(0.46, -0.62),
            pt(0.585, -0.33),
            pt(0.645, 0.0),
            pt(0.64, 0.3),
            pt(0.54, 0.58),
            pt(0.34, 0.77),
            pt(0.0, 0.83),
        ];
        let mut inner = vec![
            pt(0.0, -0.72),
            pt(0.21, -0.69),
            pt(0.39, -0.54),
            pt(0.5, -0.29),
            pt(0.555, 0.0),
            pt(0.55, 0.28),
            pt(0.46, 0.52),
            pt(0.28, 0.69),
            pt(0.0, 0.74),
        ];
        if level == Level::Cistern {
            outline[0] = pt(0.0, -0.9);
            outline[1] = pt(0.2, -0.84);
            outline[2] = pt(0.47, -0.74);
            outline[3] = pt(0.57, -0.42);
            inner[0] = pt(0.0, -0.47);
            inner[1] = pt(0.12, -0.48);
            inner[2] = pt(0.28, -0.38);
            inner[3] = pt(0.47, -0.24);
        }
        let girth = rng.random_range(0.95..1.06);
        for p in outline.iter_mut().chain(inner.iter_mut()) {
            p.x *= girth;
        }
        let stretch = pt(rng.random_range(0.55..1.5), rng.random_range(0.8..1.25));
        let sized = |points: &[Point], centre: Point| -> Vec<Point> {
            points
                .iter()
                .map(|&p| {
                    let d = p - centre;
                    centre + pt(d.x * stretch.x, d.y * stretch.y)
                })
                .collect()
        };
        let body = rng.random_bool(0.4);
        let frontal = if body {
            sized(
                &[
                    pt(0.035, -0.27),
                    pt(0.075, -0.31),
                    pt(0.095, -0.26),
                    pt(0.085, -0.1),
                    pt(0.1, 0.06),
                    pt(0.17, 0.2),
                    pt(0.225, 0.34),
                    pt(0.19, 0.35),
                    pt(0.12, 0.24),
                    pt(0.06, 0.1),
                    pt(0.04, -0.08),
                ],
                pt(0.06, 0.0),
            )
        } else {
            sized(
                &[
                    pt(0.022, -0.05),
                    pt(0.025, -0.17),
                    pt(0.05, -0.26),
                    pt(0.11, -0.335),
                    pt(0.14, -0.31),
                    pt(0.105, -0.2),
                    pt(0.06, -0.09),
                ],
                pt(0.05, -0.15),
            )
        };
        let occipital = sized(
            &[
                pt(0.12, 0.14),
                pt(0.17, 0.17),
                pt(0.22, 0.27),
                pt(0.235, 0.4),
                pt(0.2, 0.43),
                pt(0.17, 0.33),
                pt(0.13, 0.23),
            ],
            pt(0.17, 0.28),
        );
        let mut horns = Vec::new();
        if level == Level::Ventricles {
            for side in [1.0, -1.0] {
                for (points, wanted) in [(&frontal, true), (&occipital, !body)] {
                    let points: Vec<Point> = jittered(rng, points, 0.012)
                        .iter()
                        .map(|p| pt(p.x * side, p.y))
                        .collect();
                    if wanted {
                        horns.push(Shape::smooth(&points));
                    }
                }
            }
        }
        let mut cortex = Cortex::random(rng);
        if level == Level::Convexity {
            cortex.depth += 0.12;
            cortex.density *= 1.15;
        }
        Self {
            level,
            head: Shape::mirrored(&jittered(rng, &outline, 0.012)),
            brain: Shape::mirrored(&jittered(rng, &inner, 0.010)),
            horns,
            midbrain: Shape::mirrored(&[
                pt(0.0, 0.065),
                pt(0.055, -0.01),
                pt(0.13, 0.015),
                pt(0.14, 0.08),
                pt(0.115, 0.15),
                pt(0.075, 0.2),
                pt(0.035, 0.225),
                pt(0.0, 0.205),
            ]),
            cerebellum: Shape::mirrored(&jittered(
                rng,
                &[
                    pt(0.0, 0.22),
                    pt(0.14, 0.25),
                    pt(0.3, 0.36),
                    pt(0.36, 0.48),
                    pt(0.28, 0.6),
                    pt(0.12, 0.67),
                    pt(0.0, 0.66),
                ],
                0.015,
            )),
            cortex,
            shell: Shell::random(rng),
            seed: rng.random(),
            ganglia: rng.random_range(0.4..1.0),
            eye: rng.random_range(0.115..0.135),
        }
    }

    fn deep_grey(&self, tissue: &Tissue, p: Point, signal: f32) -> f32 {
        let q = p.folded();
        let mut grey = cover(ellipse(q, pt(0.1, 0.06), pt(0.08, 0.12), -0.05));
        grey = grey.max(cover(ellipse(q, pt(0.145, -0.18), pt(0.035, 0.09), 0.04)));
        grey = grey.max(cover(ellipse(q, pt(0.255, -0.05), pt(0.055, 0.15), -0.035)));
        let mut signal = mix(
            signal,
            mix(tissue.white, tissue.grey, 0.9),
            self.ganglia * grey,
        );
        // Insula and Sylvian fissure.
        let wobble = noise(p * 8.0, self.seed ^ 3) * 0.02;
        let sylvian = [
            pt(0.6, -0.16),
            pt(0.46, -0.12),
            pt(0.365, -0.1),
            pt(0.35, 0.0),
            pt(0.37, 0.1),
            pt(0.44, 0.16),
        ];
        let bend = pt(
            noise(p * 4.0, self.seed ^ 14),
            noise(p * 4.0, self.seed ^ 15),
        ) * 0.08;
        let d = curve(q + bend + pt(wobble, wobble), &sylvian);
        let width = 1.0 + 1.2 * noise(p * 5.0, self.seed ^ 16);
        signal = mix(signal, tissue.grey, step(0.05, 0.02, d));
        signal = mix(
            signal,
            tissue.csf,
            0.8 * step(0.022 * width, 0.005 * width, d),
        );
        // Third ventricle.
        mix(
            signal,
            tissue.csf,
            0.9 * cover(ellipse(p, pt(0.0, 0.06), pt(0.014, 0.075), 0.0)),
        )
    }

    fn cistern(&self, tissue: &Tissue, p: Point, signal: f32) -> f32 {
        let q = p.folded();
        let wobble = pt(noise(p * 9.0, self.seed ^ 4), noise(p * 9.0, self.seed ^ 5)) * 0.03;
        let w = q + wobble;
        // Sphenoid wing and Sylvian vallecula, temporal lobe behind it.
        let wing = curve(
            w,
            &[
                pt(0.06, -0.14),
                pt(0.2, -0.19),
                pt(0.36, -0.25),
                pt(0.55, -0.3),
            ],
        );
        let mut signal = mix(signal, tissue.csf, 0.9 * step(0.035, 0.012, wing));
        // Star-shaped suprasellar cistern around the chiasm.
        let star = ellipse(w, pt(0.0, -0.11), pt(0.12, 0.1), 0.0).min(ellipse(
            w,
            pt(0.1, -0.06),
            pt(0.03, 0.1),
            -0.12,
        ));
        signal = mix(signal, tissue.csf, 0.95 * cover(star));
        signal = mix(
            signal,
            tissue.grey,
            cover(ellipse(p, pt(0.0, -0.13), pt(0.055, 0.022), 0.0)),
        );
        let carotid = cover(ellipse(q, pt(0.075, -0.12), pt(0.016, 0.016), 0.0));
        signal = mix(signal, tissue.vessel, carotid);
        // Tentorium and cerebellum.
        let c = self.cerebellum.distance(p);
        signal = mix(signal, tissue.csf, 0.7 * step(0.028, 0.008, c));
        if c < 0.01 {
            signal = mix(
                signal,
                folia(tissue, p, pt(0.0, -0.15), -c, self.seed ^ 6),
                cover(c),
            );
        }
        let tent = step(0.014, 0.004, (c - 0.02).abs())
            * step(0.3, 0.4, p.y)
            * step(0.0, 0.4, noise(p * 4.0, self.seed ^ 7));
        signal = mix(signal, tissue.vessel, 0.5 * tent);
        // Midbrain in its cistern, with the aqueduct.
        let m = self.midbrain.distance(p);
        signal = mix(
            signal,
            tissue.csf,
            0.85 * cover(m - 0.022 - 0.35 * wobble.x),
        );
        signal = mix(signal, mix(tissue.grey, tissue.white, 0.6), cover(m));
        signal = mix(
            signal,
            tissue.csf,
            0.8 * cover(ellipse(p, pt(0.0, 0.155), pt(0.013, 0.017), 0.0)),
        );
        // Middle cerebral arteries run out with the fissure.
        let artery = curve(
            p.folded() + wobble * 0.8,
            &[pt(0.07, -0.13), pt(0.2, -0.2), pt(0.36, -0.24)],
        );
        let flow = step(-0.15, 0.25, noise(p * 6.0, self.seed ^ 17));
        signal = mix(
            signal,
            tissue.vessel,
            0.7 * flow * step(0.014, 0.004, artery),
        );
        // Temporal horns.
        mix(
            signal,
            tissue.csf,
            0.8 * cover(ellipse(q, pt(0.27, 0.03), pt(0.012, 0.055), 0.04)),
        )
    }

    fn orbits(&self, tissue: &Tissue, p: Point, signal: f32) -> f32 {
        let q = p.folded();
        let mut signal = mix(
            signal,
            face(tissue, q, self.seed ^ 8),
            step(-0.30, -0.38, p.y),
        );
        let uneven = 0.03 * noise(p * 7.0, self.seed ^ 12);
        let socket = ellipse(q, pt(0.27, -0.58), pt(0.15, 0.21), 0.05);
        signal = mix(signal, tissue.bone * 1.2, cover(socket - 0.03));
        let fat = tissue.fat * (0.62 + 0.5 * noise(p * 13.0, self.seed ^ 13));
        signal = mix(signal, fat, cover(socket + uneven));
        let muscle = (ellipse(q, pt(0.25, -0.56), pt(0.105, 0.18), 0.05) + uneven).abs();
        signal = mix(
            signal,
            tissue.muscle,
            0.65 * step(0.03, 0.008, muscle) * step(-0.66, -0.6, p.y),
        );
        let nerve = curve(
            q + pt(uneven, 0.0),
            &[pt(0.27, -0.58), pt(0.2, -0.4), pt(0.1, -0.24)],
        );
        signal = mix(signal, tissue.muscle, 0.7 * step(0.028, 0.01, nerve));
        let globe =
            ellipse(q, pt(0.285, -0.685), pt(self.eye, self.eye * 1.05), 0.0) + 0.15 * uneven;
        signal = mix(signal, tissue.muscle * 1.1, cover(globe));
        signal = mix(signal, tissue.csf * 0.8, cover(globe + 0.018));
        signal = mix(
            signal,
            tissue.muscle,
            cover(ellipse(q, pt(0.285, -0.775), pt(0.05, 0.022), 0.0)),
        );
        // Ethmoid cells.
        let cells = noise(pt(q.x * 16.0, p.y * 9.0), self.seed ^ 9);
        let sinus = cover(ellipse(p, pt(0.0, -0.6), pt(0.1, 0.24), 0.0));
        mix(
            signal,
            mix(tissue.bone, tissue.grey * 1.2, step(0.1, 0.35, cells)),
            sinus,
        )
    }
}

impl Anatomy for Axial {
    fn brain(&self, p: Point) -> f32 {
        self.brain.distance(p)
    }

    fn sella(&self) -> Point {
        pt(0.0, -0.13)
    }

    fn shade(&self, tissue: &Tissue, p: Point) -> f32 {
        let (h, b) = (self.head.distance(p), self.brain.distance(p));
        if h > 0.02 {
            return 0.0;
        }
        let mut signal = self.shell.shade(tissue, p, b, -h);
        if self.level == Level::Cistern && p.y < -0.1 {
            let weight = step(0.0, 0.02, b) * step(0.02, 0.04, -h);
            if weight > 0.0 {
                signal = mix(signal, self.orbits(tissue, p, signal), weight);
            }
        }
        if b < 0.01 {
            let mut tissue_here = self.cortex.shade(tissue, p, -b);
            let centre = noise(pt(0.0, p.y * 5.0), self.seed ^ 1) * 0.02;
            let q = pt(p.x - centre, p.y);
            if self.level == Level::Ventricles {
                tissue_here = self.deep_grey(tissue, p, tissue_here);
            }
            // Interhemispheric fissure with the falx in it; the corpus callosum bridges it.
            let open = match self.level {
                Level::Convexity => 1.0,
                Level::Ventricles => step(-0.33, -0.39, p.y).max(step(0.3, 0.36, p.y)),
                Level::Cistern => step(-0.22, -0.28, p.y).max(step(0.68, 0.7, p.y)),
            };
            let width = 0.012 + 0.012 * noise(pt(3.0, p.y * 9.0), self.seed ^ 2).max(-0.5);
            tissue_here = mix(tissue_here, tissue.grey, open * step(0.05, 0.03, q.x.abs()));
            tissue_here = mix(
                tissue_here,
                tissue.csf,
                0.85 * open * step(width + 0.012, width * 0.5, q.x.abs()),
            );
            let falx = open
                * step(0.009, 0.002, q.x.abs())
                * step(-0.2, 0.3, noise(p * 3.0, self.seed ^ 10));
            tissue_here = mix(tissue_here, tissue.vessel, 0.4 * falx);
            let lateral = self
                .horns
                .iter()
                .map(|s| s.distance(p))
                .fold(f32::MAX, f32::min);
            tissue_here = mix(tissue_here, tissue.csf * 0.85, cover(lateral));
            // Choroid plexus in the atria.
            let plexus = step(0.0, -0.01, lateral)
                * step(0.1, 0.2, p.y)
                * step(0.1, 0.3, noise(p * 14.0, self.seed ^ 11));
            tissue_here = mix(tissue_here, tissue.vessel * 0.9, 0.7 * plexus);
            if self.level == Level::Cistern {
                tissue_here = self.cistern(tissue, p, tissue_here);
            }
            signal = mix(signal, tissue_here, cover(b));
        }
        // Superior sagittal sinus at both ends.
        let tip = ellipse(p, pt(0.0, 0.755), pt(0.035, 0.025), 0.0);
        signal = mix(signal, tissue.vessel, 0.8 * cover(tip));
        signal * cover(h)
    }
}
