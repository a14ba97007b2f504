//! Where a lesson's images are.

/// Whether a path may be asked for: below the lesson's folder, and no address of something else.
pub fn is_safe(path: &str) -> bool {
    const FOREIGN: [char; 5] = ['\\', ':', '?', '#', '%'];
    let plain = |c: char| !c.is_control() && !FOREIGN.contains(&c);
    path.len() <= 500
        && path.chars().all(plain)
        && path
            .split('/')
            .all(|part| !part.trim().is_empty() && part != "." && part != "..")
}

/// Which of `paths` is the image of a lesson at the path `lesson`. Files that were picked one by one have lost their
/// folders: then the name is enough, if only one file is called so.
pub fn find(paths: &[&str], lesson: &str, image: &str) -> Option<usize> {
    let folder = lesson.rsplit_once('/').map_or("", |(folder, _)| folder);
    let wanted = if folder.is_empty() {
        image.to_owned()
    } else {
        format!("{folder}/{image}")
    };
    if let Some(exact) = paths.iter().position(|path| *path == wanted) {
        return Some(exact);
    }
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut called = paths
        .iter()
        .enumerate()
        .filter(|(_, path)| name(path) == name(image));
    match (called.next(), called.next()) {
        (Some((only, _)), None) => Some(only),
        _ => None,
    }
}
