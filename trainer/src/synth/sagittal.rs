//! Sagittal slices: face to the left, on the midline or through a hemisphere.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::anatomy::{Anatomy, jittered};
use super::field::{Point, Shape, cover, curve, ellipse, mix, noise, pt, step};
use super::tissue::{Cortex, Shell, Tissue, face, folia};

pub(super) struct Sagittal {
    midline: bool,
    head: Shape,
    cerebrum: Shape,
    cerebellum: Shape,
    stem: Shape,
    callosum: Shape,
    ventricle: Shape,
    cortex: Cortex,
    shell: Shell,
    seed: u32,
}

impl Sagittal {
    /// A random slice; `midline` forces the midline.
    pub fn random(rng: &mut ChaCha8Rng, midline: bool) -> Self {
        let midline = rng.random_bool(0.6) || midline;
        let nose = if midline {
            rng.random_range(0.02..0.1)
        } else {
            -0.04
        };
        let outline = [
            pt(0.08, -0.86),
            pt(0.4, -0.78),
            pt(0.66, -0.5),
            pt(0.75, -0.15),
            pt(0.7, 0.15),
            pt(0.59, 0.38),
            pt(0.55, 0.62),
            pt(0.57, 0.95),
            pt(0.6, 1.35),
            pt(-0.25, 1.35),
            pt(-0.33, 1.02),
            pt(-0.5, 0.94),
            pt(-0.57, 0.8),
            pt(-0.58, 0.66),
            pt(-0.6, 0.52),
            pt(-0.66 - nose, 0.42),
            pt(-0.65 - 0.6 * nose, 0.25),
            pt(-0.62, 0.08),
            pt(-0.655, -0.1),
            pt(-0.63, -0.32),
            pt(-0.47, -0.63),
            pt(-0.22, -0.81),
        ];
        let cerebrum = [
            pt(0.06, -0.75),
            pt(0.36, -0.67),
            pt(0.57, -0.43),
            pt(0.645, -0.14),
            pt(0.6, 0.08),
            pt(0.42, 0.1),
            pt(0.25, 0.02),
            pt(0.08, 0.04),
            pt(-0.1, 0.06),
            pt(-0.22, 0.05),
            pt(-0.42, 0.02),
            pt(-0.53, -0.1),
            pt(-0.53, -0.32),
            pt(-0.4, -0.55),
            pt(-0.18, -0.7),
        ];
        let temporal = [
            pt(0.06, -0.75),
            pt(0.36, -0.67),
            pt(0.57, -0.43),
            pt(0.64, -0.14),
            pt(0.58, 0.06),
            pt(0.38, 0.08),
            pt(0.18, 0.12),
            pt(-0.02, 0.2),
            pt(-0.2, 0.2),
            pt(-0.3, 0.1),
            pt(-0.42, 0.0),
            pt(-0.52, -0.12),
            pt(-0.53, -0.32),
            pt(-0.4, -0.55),
            pt(-0.18, -0.7),
        ];
        let cerebellum = [
            pt(0.17, 0.08),
            pt(0.3, 0.08),
            pt(0.44, 0.135),
            pt(0.55, 0.16),
            pt(0.54, 0.3),
            pt(0.42, 0.41),
            pt(0.25, 0.4),
            pt(0.16, 0.3),
            pt(0.13, 0.2),
        ];
        let stem = [
            pt(-0.04, -0.02),
            pt(0.06, -0.03),
            pt(0.1, 0.03),
            pt(0.09, 0.12),
            pt(0.115, 0.24),
            pt(0.16, 0.38),
            pt(0.2, 0.6),
            pt(0.24, 0.9),
            pt(0.26, 1.3),
            pt(0.18, 1.3),
            pt(0.16, 0.9),
            pt(0.12, 0.6),
            pt(0.075, 0.42),
            pt(0.01, 0.34),
            pt(-0.04, 0.24),
            pt(-0.035, 0.13),
            pt(-0.015, 0.06),
        ];
        let thick = rng.random_range(0.75..1.25);
        let arch = [
            (pt(-0.2, -0.09), 0.010),
            (pt(-0.265, -0.14), 0.02),
            (pt(-0.27, -0.21), 0.036),
            (pt(-0.2, -0.285), 0.03),
            (pt(-0.06, -0.325), 0.024),
            (pt(0.09, -0.315), 0.022),
            (pt(0.2, -0.245), 0.03),
            (pt(0.25, -0.165), 0.036),
        ];
        let hub = pt(-0.02, -0.08);
        let side = |sign: f32| arch.map(|(p, half)| p + (p - hub).unit() * (sign * half * thick));
        let callosum: Vec<Point> = side(1.0)
            .into_iter()
            .chain(side(-1.0).into_iter().rev())
            .collect();
        let swell = rng.random_range(0.6..1.3);
        let ventricle = [
            (-0.2, -0.15),
            (-0.215, -0.21),
            (-0.15, -0.265),
            (-0.04, -0.295),
            (0.09, -0.285),
            (0.17, -0.225),
            (0.06, -0.2),
            (-0.06, -0.2),
            (-0.14, -0.17),
        ]
        .map(|(x, y)| pt(x, -0.285 + (y + 0.285) * swell));
        let crescent = [
            (-0.28, -0.22),
            (-0.16, -0.3),
            (0.02, -0.33),
            (0.2, -0.28),
            (0.32, -0.16),
            (0.36, -0.1),
            (0.25, -0.06),
            (0.14, 0.02),
            (0.12, -0.02),
            (0.2, -0.12),
            (0.15, -0.22),
            (0.0, -0.26),
            (-0.15, -0.23),
        ]
        .map(|(x, y)| pt(x, y));
        let mut cortex = Cortex::random(rng);
        cortex.medial = if midline { 0.85 } else { 0.35 };
        let lateral = if midline {
            ventricle.to_vec()
        } else {
            crescent.to_vec()
        };
        Self {
            midline,
            head: Shape::smooth(&jittered(rng, &outline, 0.012)),
            cerebrum: Shape::smooth(&jittered(
                rng,
                if midline { &cerebrum } else { &temporal },
                0.010,
            )),
            cerebellum: Shape::smooth(&jittered(rng, &cerebellum, 0.010)),
            stem: Shape::smooth(&jittered(rng, &stem, 0.006)),
            callosum: Shape::smooth(&jittered(rng, &callosum, 0.004)),
            ventricle: Shape::smooth(&jittered(rng, &lateral, 0.008)),
            cortex,
            shell: Shell::random(rng),
            seed: rng.random(),
        }
    }

    fn neck(&self, tissue: &Tissue, p: Point) -> f32 {
        let mut signal = face(tissue, p, self.seed ^ 1);
        let wobble = noise(p * 7.0, self.seed ^ 2) * 0.02;
        // Nape: fat with muscle strands.
        let nape = step(0.24, 0.34, p.x) * step(0.3, 0.45, p.y);
        let strand = step(
            0.0,
            0.3,
            noise(pt(p.x * 16.0 + p.y * 3.0, p.y * 3.0), self.seed ^ 3),
        );
        signal = mix(
            signal,
            mix(0.75 * tissue.fat, tissue.muscle, strand),
            0.9 * nape,
        );
        // Nasal cavity, palate, tongue, airway.
        let nasal = ellipse(p, pt(-0.42, 0.36), pt(0.2, 0.13), 0.02) + wobble;
        let concha = step(
            0.0,
            0.3,
            noise(pt(p.x * 5.0, p.y * 18.0 + p.x * 4.0), self.seed ^ 4),
        );
        signal = mix(signal, mix(0.05, tissue.grey * 1.1, concha), cover(nasal));
        let palate = curve(
            p,
            &[
                pt(-0.56, 0.5),
                pt(-0.35, 0.49),
                pt(-0.16, 0.52),
                pt(-0.06, 0.62),
            ],
        );
        signal = mix(signal, 0.7 * tissue.fat, step(0.03, 0.012, palate));
        let tongue = ellipse(p, pt(-0.3, 0.7), pt(0.21, 0.14), 0.03) + wobble;
        let fibre = 1.0 + 0.4 * noise(pt(p.x * 22.0, p.y * 9.0), self.seed ^ 5);
        signal = mix(signal, tissue.muscle * fibre, cover(tongue));
        signal = mix(
            signal,
            tissue.marrow * 1.5,
            cover(ellipse(p, pt(-0.5, 0.83), pt(0.035, 0.06), 0.03)),
        );
        let airway = curve(
            p + pt(wobble, 0.0),
            &[
                pt(-0.2, 0.38),
                pt(-0.06, 0.48),
                pt(-0.03, 0.7),
                pt(-0.04, 1.2),
            ],
        );
        signal = mix(
            signal,
            0.03,
            step(0.036, 0.016, airway) * step(1.0, 0.8, p.y),
        );
        if !self.midline {
            return signal;
        }
        // Vertebrae: marrow blocks with dark discs; the clivus continues them upwards.
        let along = p.y - 0.52;
        let spine = (p.x - 0.075 - 0.11 * along).abs() - 0.055;
        let block = ((along / 0.135).fract() - 0.5).abs();
        let marrow = tissue.marrow * (1.7 + 0.8 * noise(p * 12.0, self.seed ^ 10));
        let body = mix(marrow, tissue.bone * 1.6, step(0.36, 0.46, block));
        signal = mix(signal, body, cover(spine) * step(0.0, 0.02, along));
        let clivus = curve(p, &[pt(-0.13, 0.17), pt(-0.03, 0.36), pt(0.02, 0.45)]);
        signal = mix(signal, tissue.bone, step(0.062, 0.05, clivus));
        signal = mix(signal, tissue.marrow * 1.6, step(0.045, 0.03, clivus));
        // Sphenoid sinus.
        let sinus = ellipse(p, pt(-0.24, 0.22), pt(0.09, 0.07), 0.03) + 0.6 * wobble;
        signal = mix(signal, tissue.grey, step(0.03, 0.01, sinus));
        mix(signal, 0.03, cover(sinus))
    }

    fn orbit(&self, tissue: &Tissue, p: Point, signal: f32) -> f32 {
        let uneven = 0.03 * noise(p * 7.0, self.seed ^ 11);
        let socket = ellipse(p, pt(-0.45, 0.16), pt(0.17, 0.12), 0.03) + uneven;
        let mut signal = mix(signal, tissue.bone, cover(socket - 0.02));
        let fat = tissue.fat * (0.55 + 0.6 * noise(p * 13.0, self.seed ^ 12));
        signal = mix(signal, fat, cover(socket));
        let nerve = curve(p, &[pt(-0.5, 0.15), pt(-0.3, 0.17)]);
        signal = mix(
            signal,
            tissue.muscle,
            0.8 * step(0.03, 0.01, nerve + uneven),
        );
        let globe = ellipse(p, pt(-0.52, 0.14), pt(0.095, 0.1), 0.0) + 0.2 * uneven;
        signal = mix(signal, tissue.muscle * 1.1, cover(globe));
        mix(signal, tissue.csf * 0.8, cover(globe + 0.018))
    }

    fn fossa(&self, p: Point) -> f32 {
        let cerebellum = self.cerebellum.distance(p);
        if self.midline {
            cerebellum.min(self.stem.distance(p) - 0.03)
        } else {
            cerebellum
        }
    }

    fn central(&self, tissue: &Tissue, p: Point, signal: f32) -> f32 {
        let c = self.callosum.distance(p);
        let v = self.ventricle.distance(p);
        let mut signal = signal;
        // Cingulate sulcus follows the callosum.
        let parallel = (c - 0.085 - 0.02 * noise(p * 6.0, self.seed ^ 6)).abs();
        signal = mix(
            signal,
            tissue.csf,
            0.6 * step(0.02, 0.006, parallel) * step(-0.1, -0.2, p.y),
        );
        signal = mix(
            signal,
            tissue.grey,
            cover(ellipse(p, pt(-0.02, -0.14), pt(0.25, 0.14), 0.0)),
        );
        signal = mix(signal, tissue.csf, 0.9 * cover(v));
        let thalamus = ellipse(p, pt(0.02, -0.125), pt(0.12, 0.075), 0.0);
        signal = mix(
            signal,
            mix(tissue.grey, tissue.white, 0.35),
            cover(thalamus),
        );
        let fornix = curve(
            p,
            &[
                pt(0.2, -0.2),
                pt(0.03, -0.235),
                pt(-0.1, -0.2),
                pt(-0.14, -0.1),
            ],
        );
        signal = mix(signal, tissue.white, step(0.02, 0.008, fornix));
        signal = mix(signal, tissue.csf, 0.7 * step(0.02, 0.008, c));
        signal = mix(signal, tissue.white * 1.15, cover(c));
        // Cisterns: quadrigeminal behind the midbrain, suprasellar in front of it.
        let wobble = 0.02 * noise(p * 9.0, self.seed ^ 7);
        let rear = ellipse(p, pt(0.17, -0.03), pt(0.06, 0.05), 0.0) + wobble;
        let front = ellipse(p, pt(-0.12, 0.03), pt(0.09, 0.045), -0.03) + wobble;
        mix(signal, tissue.csf, 0.9 * cover(rear.min(front)))
    }
}

impl Anatomy for Sagittal {
    fn brain(&self, p: Point) -> f32 {
        self.cerebrum.distance(p)
    }

    fn sella(&self) -> Point {
        pt(-0.17, 0.12)
    }

    fn shade(&self, tissue: &Tissue, p: Point) -> f32 {
        let h = self.head.distance(p);
        if h > 0.02 {
            return 0.0;
        }
        let b = self.cerebrum.distance(p);
        let f = self.fossa(p);
        let cavity = b.min(f);
        let mut signal = self.shell.shade(tissue, p, cavity, -h);
        let line = p.y - 0.08 - 0.22 * step(0.1, 0.5, p.x);
        let base = step(0.0, 0.06, line) * step(0.02, 0.05, cavity) * step(0.03, 0.06, -h);
        if base > 0.0 {
            signal = mix(signal, self.neck(tissue, p), base);
        }
        // Frontal sinus.
        let sinus = ellipse(p, pt(-0.585, -0.02), pt(0.028, 0.075), -0.02);
        signal = mix(signal, 0.04, cover(sinus));
        if !self.midline {
            signal = self.orbit(tissue, p, signal);
        }
        // Sagittal sinus under the vault.
        let vault = step(0.014, 0.004, (b - 0.012).abs()) * step(-0.05, -0.25, p.y - 0.5 * p.x);
        if self.midline {
            signal = mix(signal, tissue.vessel, 0.65 * vault);
        }
        if f < 0.03 {
            signal = mix(signal, tissue.csf, cover(f - 0.008));
        }
        if b < 0.01 {
            let mut inside = self.cortex.shade(tissue, p - pt(0.02, -0.2), -b);
            if self.midline {
                inside = self.central(tissue, p, inside);
            } else {
                let wobble = noise(p * 8.0, self.seed ^ 8) * 0.02;
                let d = curve(
                    p + pt(wobble, wobble),
                    &[
                        pt(-0.3, 0.08),
                        pt(-0.2, 0.0),
                        pt(0.0, -0.06),
                        pt(0.16, -0.14),
                    ],
                );
                inside = mix(inside, tissue.grey, 0.8 * step(0.05, 0.02, d));
                inside = mix(inside, tissue.csf, 0.7 * step(0.022, 0.006, d));
                inside = mix(inside, tissue.csf * 0.9, cover(self.ventricle.distance(p)));
            }
            signal = mix(signal, inside, cover(b));
        }
        let c = self.cerebellum.distance(p);
        if c < 0.01 {
            signal = mix(
                signal,
                folia(tissue, p, pt(0.2, 0.24), -c, self.seed ^ 9),
                cover(c),
            );
        }
        if self.midline {
            let s = self.stem.distance(p);
            signal = mix(signal, tissue.csf, 0.9 * cover(s - 0.022));
            signal = mix(signal, mix(tissue.grey, tissue.white, 0.8), cover(s));
            // Fourth ventricle, gland on the sella.
            signal = mix(
                signal,
                tissue.csf,
                0.9 * cover(ellipse(p, pt(0.135, 0.22), pt(0.022, 0.075), -0.04)),
            );
            signal = mix(
                signal,
                tissue.grey * 1.3,
                cover(ellipse(p, pt(-0.17, 0.118), pt(0.034, 0.02), 0.0)),
            );
        }
        let straight = curve(p, &[pt(0.24, 0.0), pt(0.42, 0.1), pt(0.58, 0.14)]);
        signal = mix(signal, tissue.vessel, 0.5 * step(0.016, 0.005, straight));
        signal * cover(h)
    }
}
