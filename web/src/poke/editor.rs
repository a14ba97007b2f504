//! A scan under change: pixels, pose, and what can be undone.

use super::brush::{Area, Brush, Picture};
use super::history::{Change, History};
use super::pose::Pose;

/// A scan that is being changed.
#[derive(Debug, Clone)]
pub struct Editor {
    /// As it came.
    original: Vec<u8>,
    /// As it was painted.
    scan: Picture,
    pose: Pose,
    /// The pose before the slider or drag that is under way.
    settled: Pose,
    history: History,
    stroke: Option<Stroke>,
    /// The picture's darkest value.
    background: u8,
}

/// A brush on its way.
#[derive(Debug, Clone)]
struct Stroke {
    brush: Brush,
    /// In pixels.
    radius: f32,
    before: Picture,
    area: Option<Area>,
    /// Where the last dab went, in pixels of the scan.
    last: [f32; 2],
}

impl Editor {
    /// For a picture of this size; `None` where it has other many pixels.
    pub fn new([width, height]: [u32; 2], pixels: &[u8]) -> Option<Self> {
        let (width, height) = (width as usize, height as usize);
        let background = pixels.iter().copied().min()?;
        (width.checked_mul(height)? == pixels.len()).then(|| Self {
            original: pixels.to_vec(),
            scan: Picture {
                width,
                height,
                pixels: pixels.to_vec(),
            },
            pose: Pose::default(),
            settled: Pose::default(),
            history: History::default(),
            stroke: None,
            background,
        })
    }

    /// Width and height.
    pub fn size(&self) -> [u32; 2] {
        [self.scan.width, self.scan.height].map(|side| u32::try_from(side).unwrap_or(u32::MAX))
    }

    /// The scan as it lies in the frame.
    pub fn view(&self) -> Vec<u8> {
        self.pose.view(&self.scan, self.background)
    }

    /// Where it lies.
    pub fn pose(&self) -> Pose {
        self.pose
    }

    /// Whether it is as it came.
    pub fn is_untouched(&self) -> bool {
        self.pose == Pose::default() && self.scan.pixels == self.original
    }

    /// Whether there is something to undo, and something to do again.
    pub fn can(&self) -> [bool; 2] {
        [self.history.can_undo(), self.history.can_redo()]
    }

    /// Begins to paint at a point in fractions of the frame; `size` is the brush's diameter as a share of
    /// the longer side.
    pub fn begin(&mut self, brush: Brush, size: f32, at: [f32; 2]) {
        self.end();
        let longer = self.scan.width.max(self.scan.height) as f32;
        let point = self.point(at);
        self.stroke = Some(Stroke {
            brush,
            radius: (size * longer / 2.0).max(1.0),
            before: self.scan.clone(),
            area: None,
            last: point,
        });
        self.dab(point);
    }

    /// Paints on to another point.
    pub fn go_on(&mut self, at: [f32; 2]) {
        let Some(stroke) = &self.stroke else {
            return;
        };
        let (from, to) = (stroke.last, self.point(at));
        let way = [to[0] - from[0], to[1] - from[1]];
        let steps = (way[0].hypot(way[1]) / (stroke.radius / 3.0).max(1.0)).floor();
        // From a third of the brush on; less waits for the next point.
        for step in 1..=steps.min(1000.0) as u32 {
            let share = step as f32 / steps;
            self.dab([from[0] + way[0] * share, from[1] + way[1] * share]);
        }
    }

    fn dab(&mut self, point: [f32; 2]) {
        if let Some(stroke) = &mut self.stroke {
            let (scan, background) = (&mut self.scan, self.background);
            let area = stroke.brush.dab(scan, point, stroke.radius, background);
            stroke.area = match (stroke.area, area) {
                (Some(a), Some(b)) => Some(a.with(b)),
                (a, b) => a.or(b),
            };
            stroke.last = point;
        }
    }

    /// Lifts the brush.
    pub fn end(&mut self) {
        if let Some(stroke) = self.stroke.take()
            && let Some(area) = stroke.area
        {
            let (before, after) = (stroke.before.copy(area), self.scan.copy(area));
            if before != after {
                self.history.push(Change {
                    paint: Some((area, before, after)),
                    pose: None,
                });
            }
        }
    }

    /// Lays the scan elsewhere; [`Self::settle`] makes it one change.
    pub fn lay(&mut self, pose: Pose) {
        self.pose = pose;
    }

    /// The slider or drag has come to rest.
    pub fn settle(&mut self) {
        if self.pose != self.settled {
            self.history.push(Change {
                paint: None,
                pose: Some([self.settled, self.pose]),
            });
            self.settled = self.pose;
        }
    }

    /// Undoes the last change.
    pub fn undo(&mut self) -> bool {
        self.end();
        self.settle();
        let done = self.history.undo(&mut self.scan, &mut self.pose);
        self.settled = self.pose;
        done
    }

    /// Does the change again that was undone last.
    pub fn redo(&mut self) -> bool {
        self.end();
        self.settle();
        let done = self.history.redo(&mut self.scan, &mut self.pose);
        self.settled = self.pose;
        done
    }

    /// Takes all changes back, as a change that can be undone.
    pub fn reset(&mut self) {
        self.end();
        self.settle();
        if self.is_untouched() {
            return;
        }
        let whole = Area {
            x: [0, self.scan.width],
            y: [0, self.scan.height],
        };
        let painted = (self.scan.pixels != self.original)
            .then(|| (whole, self.scan.pixels.clone(), self.original.clone()));
        self.history.push(Change {
            paint: painted,
            pose: Some([self.pose, Pose::default()]),
        });
        self.scan.pixels.clone_from(&self.original);
        self.pose = Pose::default();
        self.settled = self.pose;
    }

    fn point(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let size = [self.scan.width, self.scan.height];
        let point = [x * size[0] as f32, y * size[1] as f32];
        self.pose.scan_from_frame(point, size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn editor() -> Editor {
        let pixels: Vec<u8> = (0..64 * 48).map(|at| (at % 64) as u8 + 20).collect();
        Editor::new([64, 48], &pixels).unwrap()
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn undone_and_done_again() {
        let mut editor = editor();
        let first = editor.view();
        editor.begin(Brush::Erase, 0.2, [0.5, 0.5]);
        editor.go_on([0.9, 0.5]);
        editor.end();
        let painted = editor.view();
        assert_ne!(painted, first);
        editor.lay(Pose {
            angle: 20.0,
            ..Pose::default()
        });
        editor.lay(Pose {
            angle: 30.0,
            ..Pose::default()
        });
        editor.settle();
        let turned = editor.view();
        assert_eq!(editor.can(), [true, false]);
        assert!(editor.undo());
        assert_eq!(editor.view(), painted);
        assert!(editor.undo());
        assert_eq!(editor.view(), first);
        assert!(editor.is_untouched() && !editor.undo());
        assert!(editor.redo() && editor.redo() && !editor.redo());
        assert_eq!(editor.view(), turned);
        editor.reset();
        assert!(editor.is_untouched());
        assert_eq!(editor.view(), first);
        assert!(editor.undo());
        assert_eq!(editor.view(), turned);
        assert_eq!(editor.pose().angle, 30.0);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_new_change_ends_what_was_undone() {
        let mut editor = editor();
        editor.begin(Brush::Brighten, 0.1, [0.2, 0.2]);
        editor.end();
        editor.undo();
        editor.begin(Brush::Brighten, 0.1, [0.8, 0.8]);
        editor.end();
        assert_eq!(editor.can(), [true, false]);
        // A stroke that changed nothing is none.
        editor.begin(Brush::Erase, 0.1, [9.0, 9.0]);
        editor.end();
        editor.undo();
        assert!(editor.is_untouched());
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_brush_goes_where_it_is_seen() {
        let mut editor = editor();
        editor.lay(Pose {
            shift: [0.25, 0.0],
            angle: 90.0,
            mirrored: true,
        });
        editor.settle();
        editor.begin(Brush::Brighten, 0.1, [0.75, 0.5]);
        editor.end();
        // The middle of the frame's right half is the middle of the scan.
        let before = self::editor().scan.pixels;
        let changed = (0..before.len()).filter(|&at| editor.scan.pixels[at] != before[at]);
        let places: Vec<[usize; 2]> = changed.map(|at| [at % 64, at / 64]).collect();
        assert!(!places.is_empty());
        assert!(
            places
                .iter()
                .all(|[x, y]| (28..36).contains(x) && (20..28).contains(y))
        );
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn other_many_pixels_make_no_editor() {
        assert!(Editor::new([3, 3], &[0; 8]).is_none());
        assert!(Editor::new([0, 0], &[]).is_none());
    }
}
