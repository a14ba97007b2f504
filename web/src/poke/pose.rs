//! Where the scan lies: moved, turned, mirrored.

use super::brush::Picture;

/// A scan's place in its frame.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pose {
    /// Moved right and down, in fractions of the picture's width and height.
    pub shift: [f32; 2],
    /// Turned clockwise about the middle, in degrees.
    pub angle: f32,
    /// Left and right exchanged, before it is turned.
    pub mirrored: bool,
}

impl Pose {
    /// The point of the scan that lies at a point of the frame; both in pixels.
    pub fn scan_from_frame(&self, [x, y]: [f32; 2], size: [usize; 2]) -> [f32; 2] {
        let [width, height] = size.map(|side| side as f32);
        let dx = x - width * (0.5 + self.shift[0]);
        let dy = y - height * (0.5 + self.shift[1]);
        let (sin, cos) = self.angle.to_radians().sin_cos();
        // Turned back.
        let (across, down) = (dx * cos + dy * sin, dy * cos - dx * sin);
        let across = if self.mirrored { -across } else { across };
        [across + width / 2.0, down + height / 2.0]
    }

    /// The scan as it lies in the frame, `background` where it does not reach.
    pub fn view(&self, scan: &Picture, background: u8) -> Vec<u8> {
        if *self == Self::default() {
            return scan.pixels.clone();
        }
        let size = [scan.width, scan.height];
        let mut view = Vec::with_capacity(scan.pixels.len());
        for row in 0..scan.height {
            // A line of the frame is a line in the scan: one step serves it all.
            let start = self.scan_from_frame([0.5, row as f32 + 0.5], size);
            let next = self.scan_from_frame([1.5, row as f32 + 0.5], size);
            let step = [next[0] - start[0], next[1] - start[1]];
            view.extend((0..scan.width).map(|column| {
                let along = column as f32;
                let point = [start[0] + along * step[0], start[1] + along * step[1]];
                sample(scan, point, background)
            }));
        }
        view
    }
}

/// Bilinear value at a point.
fn sample(scan: &Picture, [x, y]: [f32; 2], background: u8) -> u8 {
    let (x, y) = (x - 0.5, y - 0.5);
    let (left, top) = (x.floor(), y.floor());
    let value = |column: f32, row: f32| {
        let inside =
            column >= 0.0 && row >= 0.0 && column < scan.width as f32 && row < scan.height as f32;
        f32::from(if inside {
            scan.pixels[row as usize * scan.width + column as usize]
        } else {
            background
        })
    };
    let (fx, fy) = (x - left, y - top);
    let upper = value(left, top) * (1.0 - fx) + value(left + 1.0, top) * fx;
    let lower = value(left, top + 1.0) * (1.0 - fx) + value(left + 1.0, top + 1.0) * fx;
    (upper * (1.0 - fy) + lower * fy).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn scan() -> Picture {
        Picture {
            width: 4,
            height: 4,
            pixels: (0..16).map(|at| at * 10).collect(),
        }
    }

    fn view(pose: Pose) -> Vec<u8> {
        pose.view(&scan(), 1)
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn moved_by_whole_pixels() {
        let moved = view(Pose {
            shift: [0.25, 0.0],
            ..Pose::default()
        });
        assert_eq!(moved[..4], [1, 0, 10, 20]);
        assert_eq!(view(Pose::default()), scan().pixels);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn turned_clockwise() {
        let turned = view(Pose {
            angle: 90.0,
            ..Pose::default()
        });
        // The first row is the first column from below.
        assert_eq!(turned[..4], [120, 80, 40, 0]);
        let back = view(Pose {
            angle: 360.0,
            ..Pose::default()
        });
        assert_eq!(back, scan().pixels);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn mirrored_and_brought_back() {
        let pose = Pose {
            shift: [0.1, -0.2],
            angle: 33.0,
            mirrored: true,
        };
        let mirrored = view(Pose {
            mirrored: true,
            ..Pose::default()
        });
        assert_eq!(mirrored[..4], [30, 20, 10, 0]);
        // The middle of the scan lies at the shifted middle of the frame.
        let middle = pose.scan_from_frame([200.0 * 0.6, 100.0 * 0.3], [200, 100]);
        assert!((middle[0] - 100.0).abs() < 1e-3 && (middle[1] - 50.0).abs() < 1e-3);
    }
}
