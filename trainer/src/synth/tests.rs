use super::*;

const SIZE: u32 = 96;

fn mean(image: &GrayImage, keep: impl Fn(u32, u32) -> bool) -> f32 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (x, y, pixel) in image.enumerate_pixels() {
        if keep(x, y) {
            sum += f32::from(pixel.0[0]);
            count += 1.0;
        }
    }
    sum / f32::max(count, 1.0)
}

#[test]
fn same_arguments_same_pixels() {
    for plane in Plane::ALL {
        let draw = || phantom(Finding::Glioma, plane, SIZE, 7);
        assert_eq!(draw(), draw());
    }
}

#[test]
fn different_seeds_differ() {
    for plane in Plane::ALL {
        let (a, b) = (
            phantom(Finding::NoTumor, plane, SIZE, 1),
            phantom(Finding::NoTumor, plane, SIZE, 2),
        );
        let changed = a
            .image
            .pixels()
            .zip(b.image.pixels())
            .filter(|(p, q)| p.0[0].abs_diff(q.0[0]) > 12)
            .count();
        assert!(
            changed > (SIZE * SIZE / 10) as usize,
            "{plane:?}: only {changed} pixels differ"
        );
    }
}

#[test]
fn every_plane_and_finding_is_a_bright_head_on_dark_ground() {
    for finding in Finding::ALL {
        for plane in Plane::ALL {
            for seed in 0..4 {
                let image = phantom(finding, plane, SIZE, seed).image;
                assert_eq!(image.dimensions(), (SIZE, SIZE));
                let corner = mean(&image, |x, y| {
                    y < SIZE / 16 && x.min(SIZE - 1 - x) < SIZE / 16
                });
                let middle = mean(&image, |x, y| {
                    x.abs_diff(SIZE / 2) < SIZE / 5 && y.abs_diff(SIZE * 2 / 5) < SIZE / 5
                });
                assert!(
                    corner < 16.0,
                    "{finding:?} {plane:?} {seed}: corner {corner}"
                );
                assert!(
                    (35.0..180.0).contains(&middle),
                    "{finding:?} {plane:?} {seed}: middle {middle}"
                );
            }
        }
    }
}

#[test]
fn healthy_heads_have_no_box_and_all_others_do() {
    for plane in Plane::ALL {
        for seed in 0..8 {
            assert!(phantom(Finding::NoTumor, plane, 64, seed).lesion.is_none());
            for finding in [Finding::Glioma, Finding::Meningioma, Finding::Pituitary] {
                let b = phantom(finding, plane, 64, seed)
                    .lesion
                    .expect("a lesion has a box");
                assert!(
                    b.width > 0.03 && b.height > 0.03,
                    "{finding:?} {plane:?} {seed}: {b:?}"
                );
                assert!(
                    b.width < 0.4 && b.height < 0.4,
                    "{finding:?} {plane:?} {seed}: {b:?}"
                );
                for (middle, extent) in [(b.x_center, b.width), (b.y_center, b.height)] {
                    assert!(
                        middle - extent / 2.0 >= 0.0 && middle + extent / 2.0 <= 1.0,
                        "{b:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn solid_lesions_are_brighter_than_the_brain() {
    for finding in [Finding::Meningioma, Finding::Pituitary] {
        for plane in Plane::ALL {
            for seed in 0..6 {
                let slice = phantom(finding, plane, SIZE, seed);
                let b = slice.lesion.expect("a lesion has a box");
                let at = |x: u32, y: u32, grow: f32| {
                    let (x, y) = (
                        (x as f32 + 0.5) / SIZE as f32,
                        (y as f32 + 0.5) / SIZE as f32,
                    );
                    (x - b.x_center).abs() < grow * b.width / 2.0
                        && (y - b.y_center).abs() < grow * b.height / 2.0
                };
                let lesion = mean(&slice.image, |x, y| at(x, y, 0.6));
                let brain = mean(&slice.image, |x, y| {
                    !at(x, y, 1.3)
                        && x.abs_diff(SIZE / 2) < SIZE / 5
                        && y.abs_diff(SIZE * 2 / 5) < SIZE / 5
                });
                assert!(
                    lesion > 1.15 * brain,
                    "{finding:?} {plane:?} {seed}: {lesion} against {brain}"
                );
            }
        }
    }
}

#[test]
fn small_requests_get_the_least_size() {
    assert_eq!(
        phantom(Finding::Glioma, Plane::Axial, 1, 0).image.width(),
        MIN_SIZE
    );
}

#[test]
fn a_dataset_holds_what_its_table_says() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let summary = write_dataset(out.path(), 4, 48, 3).expect("the dataset is written");
    assert_eq!(
        (summary.slices, summary.per_class, summary.size),
        (16, 4, 48)
    );
    let table = std::fs::read_to_string(out.path().join("slices.csv")).expect("the table");
    let mut lines = table.lines();
    assert_eq!(
        lines.next(),
        Some("path,label,patient,slice,x_center,y_center,width,height,plane")
    );
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 16);
    for (i, row) in rows.iter().enumerate() {
        assert_eq!(row.len(), 9);
        assert_eq!(row[0], format!("{0}/{0}_{1:04}.png", row[1], i % 4));
        assert_eq!(row[2], format!("{}-{:04}", row[1], i % 4));
        assert_eq!(row[8], Plane::ALL[i % 4 % 3].name());
        let image = image::open(out.path().join(row[0])).expect("the slice opens");
        assert_eq!((image.width(), image.color()), (48, image::ColorType::L8));
        let numbers = row[4..8]
            .iter()
            .filter(|field| field.parse::<f32>().is_ok())
            .count();
        assert_eq!(numbers, if row[1] == "notumor" { 0 } else { 4 });
    }
    for finding in Finding::ALL {
        let folder =
            std::fs::read_dir(out.path().join(finding.class_name())).expect("the class folder");
        assert_eq!(folder.count(), 4);
    }
}

#[test]
fn an_unwritable_place_is_named() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let file = out.path().join("taken");
    std::fs::write(&file, "x").expect("a file");
    let error = write_dataset(&file, 1, 32, 0).expect_err("a file is not a folder");
    assert!(error.to_string().contains("taken"), "{error}");
}
