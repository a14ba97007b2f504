//! Scans that were stored lying on their side.

use super::Scan;

/// A quarter turn or a mirroring, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turn {
    /// First, rows become columns.
    pub transposed: bool,
    /// Then left and right are exchanged.
    pub across: bool,
    /// And so are top and bottom.
    pub down: bool,
}

impl Scan {
    /// The same scan turned.
    #[must_use]
    pub fn turned(mut self, turn: Turn) -> Self {
        if turn == Turn::default() {
            return self;
        }
        let from = self.width as usize;
        if turn.transposed {
            std::mem::swap(&mut self.width, &mut self.height);
            self.spacing = self.spacing.map(|[width, height]| [height, width]);
        }
        let (width, height) = (self.width as usize, self.height as usize);
        let at = |index: usize| {
            let (x, y) = (index % width, index / width);
            let x = if turn.across { width - 1 - x } else { x };
            let y = if turn.down { height - 1 - y } else { y };
            if turn.transposed {
                self.luma[x * from + y]
            } else {
                self.luma[y * from + x]
            }
        };
        self.luma = (0..width * height).map(at).collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_turn_takes_the_pixels_sides_along() {
        let scan = Scan::from_luma8(3, 2, &[1, 2, 3, 4, 5, 6]).unwrap();
        let turn = Turn {
            transposed: true,
            across: true,
            down: false,
        };
        let turned = scan.with_spacing([1.0, 2.0]).turned(turn);
        assert_eq!((turned.width(), turned.height()), (2, 3));
        assert_eq!(turned.luma(), [4.0, 1.0, 5.0, 2.0, 6.0, 3.0]);
        assert_eq!(turned.spacing(), Some([2.0, 1.0]));
    }
}
