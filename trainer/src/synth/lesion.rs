//! Tumours: where they sit, how they look and how they push the brain aside.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::anatomy::Anatomy;
use super::field::{Point, cover, mix, noise, noise3, pt, step};
use super::tissue::Tissue;
use super::{Finding, Plane};

/// What the tumour's drawing needs to know about one point.
pub(super) struct Site {
    /// Signed distance to the brain's surface: negative inside.
    brain: f32,
    /// Signed distance to the tumour's edge: negative inside.
    edge: f32,
    /// How much of the point is tumour, 0..=1: what the box encloses.
    pub mask: f32,
}

/// One tumour in head coordinates.
pub(super) struct Lesion {
    finding: Finding,
    centre: Point,
    half: Point,
    tilt: f32,
    ragged: f32,
    seed: u32,
    oedema: f32,
    necrosis: f32,
    /// Enhancement of a glioma's rim, as a share of the full.
    rim: f32,
    /// Signal of a glioma's core: 0 as fluid, 1 as grey matter.
    fluid: f32,
    /// A second, smaller lobe, for a pituitary mass that grows upwards.
    lobe: Option<(Point, f32)>,
}

impl Lesion {
    /// A random tumour of this kind in this head; none for [`Finding::NoTumor`].
    pub fn random(
        rng: &mut ChaCha8Rng,
        finding: Finding,
        plane: Plane,
        head: &dyn Anatomy,
    ) -> Option<Self> {
        let mut tilt = rng.random_range(0.0..1.0);
        let (centre, radius) = match finding {
            Finding::NoTumor => return None,
            Finding::Glioma => intra_axial(rng, head),
            Finding::Meningioma => {
                let (centre, radius, along) = dural(rng, head, plane);
                tilt = along;
                (centre, radius)
            }
            Finding::Pituitary => {
                tilt = 0.0;
                let radius = rng.random_range(0.065..0.135);
                let shift = pt(rng.random_range(-0.02..0.02), rng.random_range(-0.02..0.02));
                let rise = if plane == Plane::Axial {
                    0.0
                } else {
                    -0.25 * radius
                };
                (head.sella() + shift + pt(0.0, rise), radius)
            }
        };
        let squash = match finding {
            Finding::Glioma => rng.random_range(0.65..1.0),
            Finding::Meningioma => rng.random_range(0.62..0.95),
            _ => rng.random_range(0.8..1.0),
        };
        let lobe = (finding == Finding::Pituitary && rng.random_bool(0.4)).then(|| {
            (
                centre + pt(rng.random_range(-0.04..0.04), -radius * 0.9),
                radius * rng.random_range(0.5..0.75),
            )
        });
        Some(Self {
            finding,
            centre,
            half: pt(radius, radius * squash),
            tilt,
            ragged: match finding {
                Finding::Glioma => rng.random_range(0.25..0.5),
                Finding::Meningioma => rng.random_range(0.1..0.3),
                _ => rng.random_range(0.1..0.22),
            },
            seed: rng.random(),
            oedema: match finding {
                Finding::Glioma => rng.random_range(0.4..1.4),
                Finding::Meningioma => rng.random_range(0.0..0.7),
                _ => 0.0,
            },
            necrosis: match finding {
                Finding::Glioma => rng.random_range(0.3..0.88),
                Finding::Pituitary if rng.random_bool(0.2) => 0.35,
                _ => 0.0,
            },
            rim: rng.random_range(0.65..1.05),
            fluid: rng.random_range(0.1..0.6),
            lobe,
        })
    }

    /// Signed distance to the tumour's own edge (approximate): negative inside.
    fn edge(&self, p: Point) -> f32 {
        let blob = |centre: Point, half: Point| {
            let q = (p - centre).rotated(-self.tilt);
            let q = pt(q.x / half.x, q.y / half.y);
            let bumps = noise3(q.unit() * 1.3, 0.5 * q.length(), self.seed)
                + 0.4 * noise3(q.unit() * 3.5, 0.3, self.seed ^ 1);
            (q.length() - 1.0 - self.ragged * bumps) * half.x.min(half.y)
        };
        let main = blob(self.centre, self.half);
        self.lobe.map_or(main, |(centre, radius)| {
            main.min(blob(centre, pt(radius, radius)))
        })
    }

    /// Looks up `p` once for the calls below.
    pub fn site(&self, head: &dyn Anatomy, p: Point) -> Site {
        let brain = head.brain(p);
        let far = (p - self.centre).length() > 4.0 * self.half.x;
        let edge = if far { f32::MAX } else { self.edge(p) };
        // Only a pituitary mass leaves the brain's outline.
        let bounded = if self.finding == Finding::Pituitary {
            edge
        } else {
            edge.max(brain - 0.012)
        };
        Site {
            brain,
            edge,
            mask: cover(bounded),
        }
    }

    /// Where the tissue now at `p` was before the tumour grew.
    pub fn displaced(&self, site: &Site, p: Point) -> Point {
        let away = p - self.centre;
        let d = away.length();
        let size = self.half.y;
        let deep = step(0.0, 0.12, -site.brain);
        let push = 0.5 * size * deep * step(3.2 * size, 0.8 * size, d) * step(0.0, 0.5 * size, d);
        p - away.unit() * push
    }

    /// `signal` of the anatomy at `p`, with the tumour and its surroundings drawn over it.
    pub fn shade(&self, tissue: &Tissue, site: &Site, p: Point, signal: f32) -> f32 {
        let size = self.half.x;
        let Site { brain, edge, mask } = *site;
        if edge > 3.0 * size {
            return signal;
        }
        let within = step(0.012, -0.02, brain);
        // Oedema follows the white matter: darker, with fingers.
        let fingers =
            1.0 + 0.9 * noise(p * 7.0, self.seed ^ 2) + 0.4 * noise(p * 15.0, self.seed ^ 3);
        let reach = (0.9 * size * self.oedema * fingers).max(0.001);
        let swelling = step(reach, 0.35 * reach, edge.max(0.0)) * within * self.oedema.min(1.0);
        let mut signal = mix(signal, mix(tissue.csf, tissue.grey, 0.5), 0.8 * swelling);
        let mottle =
            1.0 + 0.12 * noise(p * 12.0, self.seed ^ 4) + 0.12 * noise(p * 28.0, self.seed ^ 5);
        match self.finding {
            Finding::Glioma => {
                let depth = -edge / self.half.y;
                let wall =
                    (1.0 - self.necrosis) * (1.0 + 1.1 * noise(p * 9.0, self.seed ^ 6)).max(0.25);
                let core = step(wall - 0.14, wall + 0.14, depth);
                let patchy = 0.75
                    + 0.7 * noise(p * 6.0, self.seed ^ 7)
                    + 0.35 * noise(p * 17.0, self.seed ^ 8);
                let rim = mix(
                    tissue.grey,
                    tissue.enhancing * self.rim,
                    patchy.clamp(0.05, 1.0),
                );
                let body = mix(
                    rim * mottle,
                    mix(tissue.csf, tissue.grey, self.fluid) * mottle,
                    core,
                );
                mix(signal, body, mask)
            }
            Finding::Meningioma => {
                // Fluid cleft between tumour and cortex, tail along the dura.
                let cleft = step(0.022, 0.008, edge) * within;
                signal = mix(signal, tissue.csf, 0.6 * cleft);
                let near = step(1.9 * size, 1.2 * size, (p - self.centre).length());
                let tail = step(0.016, 0.005, (brain - 0.004).abs()) * near;
                signal = mix(signal, tissue.enhancing * 0.85, 0.8 * tail);
                mix(signal, tissue.enhancing * mottle, mask)
            }
            _ => {
                signal = mix(
                    signal,
                    tissue.csf,
                    0.6 * step(0.025, 0.006, edge) * step(0.02, -0.02, brain),
                );
                let cyst = step(
                    1.0 - self.necrosis,
                    1.15 - self.necrosis,
                    -edge / self.half.y,
                );
                let body = mix(tissue.enhancing * mottle, tissue.grey * 0.9, 0.7 * cyst);
                mix(signal, body, mask)
            }
        }
    }
}

/// A place well inside the brain and a radius that fits it.
fn intra_axial(rng: &mut ChaCha8Rng, head: &dyn Anatomy) -> (Point, f32) {
    let radius = rng.random_range(0.09..0.2);
    for _ in 0..64 {
        let p = pt(rng.random_range(-0.5..0.5), rng.random_range(-0.65..0.55));
        if head.brain(p) < -(radius * 0.75 + 0.05) {
            return (p, radius);
        }
    }
    (pt(0.2, -0.25), 0.12)
}

/// A place on the inner table of the vault, or beside the falx near it, a radius and
/// the turn that lays its long axis along the dura.
fn dural(rng: &mut ChaCha8Rng, head: &dyn Anatomy, plane: Plane) -> (Point, f32, f32) {
    let radius = rng.random_range(0.1..0.21);
    // Anywhere around an axial slice; over the vault, to a little below the horizontal, in the others.
    let span = if plane == Plane::Axial { 0.5 } else { 0.29 };
    let turns = rng.random_range(-span..span);
    let direction = pt(0.0, -1.0).rotated(turns);
    let start = if plane == Plane::Axial {
        pt(0.0, 0.0)
    } else {
        pt(0.0, -0.2)
    };
    let (mut near, mut far) = (0.0, 1.2);
    for _ in 0..24 {
        let middle = 0.5 * (near + far);
        if head.brain(start + direction * middle) < 0.0 {
            near = middle;
        } else {
            far = middle;
        }
    }
    (
        start + direction * (near - radius * rng.random_range(0.3..0.6)),
        radius,
        turns,
    )
}
