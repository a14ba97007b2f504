//! Random changes to training images.

use super::documented::section;

section! {
    /// Random changes to training images; every strength is drawn evenly from its range.
    ///
    /// The network sees each image at mean 0 and deviation 1, after these changes: a change of
    /// brightness or contrast alone would vanish. What remains of them is what they push out of the
    /// range of grey values. A curve (`gamma`) and an uneven field (`bias_field`) remain.
    pub struct AugmentationConfig {
        /// Share of images left as they are, 0 to 1. Without it the network gets used to resampled
        /// images and does worse on real ones; a third or a quarter is enough.
        pub untouched: f64 = 0.25,
        /// Probability of mirroring left and right, 0 to 1; applies to all images.
        pub horizontal_flip: f64 = 0.5,
        /// Rotation in degrees, both ways, 0 to 180.
        pub rotation: f32 = 15.0,
        /// Zoom: factors from `1 - zoom` to `1 + zoom`, below 1.
        pub zoom: f32 = 0.12,
        /// Width against height: stretches by up to this share, both ways, below 1.
        pub stretch: f32 = 0.08,
        /// Shift in fractions of a side, both ways and both axes, below 1.
        pub shift: f32 = 0.08,
        /// Shear in degrees, both ways, 0 to 60.
        pub shear: f32 = 6.0,
        /// Largest share of the side that is cut off at each of the four sides before the rest fills the
        /// plane again, below 0.5: as if the head had been found too small.
        pub crop: f32 = 0.06,
        /// Grey values raised to an exponent from `1 / (1 + gamma)` to `1 + gamma`, 0 to 10.
        pub gamma: f32 = 0.3,
        /// Strength of a smooth field of brightness over the image, as MRI coils leave it: factors from
        /// `exp(-bias_field)` to `exp(bias_field)`, 0 to 3.
        pub bias_field: f32 = 0.35,
        /// Added brightness as a share of the grey range, both ways, 0 to 1; values beyond the range are
        /// cut off.
        pub brightness: f32 = 0.1,
        /// Contrast: factors from `1 - contrast` to `1 + contrast` about the mean, below 1; values
        /// beyond the range are cut off.
        pub contrast: f32 = 0.25,
        /// Probability of blurring a changed image, 0 to 1.
        pub blur_probability: f64 = 0.15,
        /// Largest deviation of the blur in pixels of the input plane, 0 to 10.
        pub blur: f32 = 0.9,
        /// Probability of adding noise to a changed image, 0 to 1.
        pub noise_probability: f64 = 0.2,
        /// Largest deviation of the noise as a share of the grey range, 0 to 1.
        pub noise: f32 = 0.05,
        /// Probability of filling a random rectangle of a changed image with one grey value (Zhong 2020,
        /// <https://arxiv.org/abs/1708.04896>), 0 to 1. It can hide a tumour: keep it rare.
        pub erase_probability: f64 = 0.1,
        /// Largest area of that rectangle as a share of the image, 0 to 1.
        pub erase: f32 = 0.08,
    }
}

section! {
    /// Two training images in one, with both classes as the target.
    pub struct MixConfig {
        /// Probability that an image is blended with another (mixup, Zhang 2018,
        /// <https://arxiv.org/abs/1710.09412>), 0 to 1.
        pub mixup_probability: f64 = 0.5,
        /// Parameter of the Beta distribution that draws the blend, above 0: small values leave most
        /// images nearly pure.
        pub mixup_alpha: f64 = 0.2,
        /// Probability that a rectangle of an image comes from another (CutMix, Yun 2019,
        /// <https://arxiv.org/abs/1905.04899>), 0 to 1. Off by default: the rectangle can cover or leave
        /// out the tumour, and the target says otherwise.
        pub cutmix_probability: f64 = 0.0,
        /// Parameter of the Beta distribution that draws the rectangle's area, above 0.
        pub cutmix_alpha: f64 = 1.0,
    }
}
