//! What was changed, to be undone and done again.

use super::brush::{Area, Picture};
use super::pose::Pose;

/// Changes that are kept; the oldest is forgotten first.
const KEPT: usize = 60;
/// Bytes of pixels that are kept at most.
const BYTES: usize = 48 << 20;

/// One change: of pixels, of the pose, or of both.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The area with its values before and after.
    pub paint: Option<(Area, Vec<u8>, Vec<u8>)>,
    /// The pose before and after.
    pub pose: Option<[Pose; 2]>,
}

impl Change {
    fn bytes(&self) -> usize {
        self.paint
            .as_ref()
            .map_or(0, |(_, before, after)| before.len() + after.len())
    }

    fn apply(&self, picture: &mut Picture, pose: &mut Pose, forwards: bool) {
        if let Some((area, before, after)) = &self.paint {
            picture.paste(*area, if forwards { after } else { before });
        }
        if let Some(poses) = self.pose {
            *pose = poses[usize::from(forwards)];
        }
    }
}

/// The changes that were made, and how many of them still hold.
#[derive(Debug, Clone, Default)]
pub struct History {
    changes: Vec<Change>,
    done: usize,
}

impl History {
    /// Remembers a change; what was undone before it is gone.
    pub fn push(&mut self, change: Change) {
        self.changes.truncate(self.done);
        self.changes.push(change);
        let mut bytes: usize = self.changes.iter().map(Change::bytes).sum();
        while self.changes.len() > 1 && (self.changes.len() > KEPT || bytes > BYTES) {
            bytes -= self.changes.remove(0).bytes();
        }
        self.done = self.changes.len();
    }

    /// Whether there is something to undo.
    pub fn can_undo(&self) -> bool {
        self.done > 0
    }

    /// Whether there is something to do again.
    pub fn can_redo(&self) -> bool {
        self.done < self.changes.len()
    }

    /// Undoes the last change.
    pub fn undo(&mut self, picture: &mut Picture, pose: &mut Pose) -> bool {
        let Some(last) = self.done.checked_sub(1) else {
            return false;
        };
        self.changes[last].apply(picture, pose, false);
        self.done = last;
        true
    }

    /// Does the change again that was undone last.
    pub fn redo(&mut self, picture: &mut Picture, pose: &mut Pose) -> bool {
        let Some(change) = self.changes.get(self.done) else {
            return false;
        };
        change.apply(picture, pose, true);
        self.done += 1;
        true
    }
}
