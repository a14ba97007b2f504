//! The header's fields.

use super::NiftiError;

/// Length of the longer header, NIfTI-2's.
pub const LENGTH: usize = 540;
/// Length of the shorter one, NIfTI-1's.
pub const SHORT: usize = 348;

/// The type of a voxel's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    /// 8 bits, unsigned.
    U8,
    /// 8 bits, signed.
    I8,
    /// 16 bits, unsigned.
    U16,
    /// 16 bits, signed.
    I16,
    /// 32 bits, unsigned.
    U32,
    /// 32 bits, signed.
    I32,
    /// 64 bits, unsigned.
    U64,
    /// 64 bits, signed.
    I64,
    /// 32 bits, floating point.
    F32,
    /// 64 bits, floating point.
    F64,
    /// Red, green and blue of 8 bits.
    Rgb,
    /// The same with opacity, which is not looked at.
    Rgba,
}

impl DataType {
    /// By the code in the header (`datatype`).
    fn from_code(code: i16) -> Result<Self, NiftiError> {
        Ok(match code {
            2 => Self::U8,
            4 => Self::I16,
            8 => Self::I32,
            16 => Self::F32,
            64 => Self::F64,
            128 => Self::Rgb,
            256 => Self::I8,
            512 => Self::U16,
            768 => Self::U32,
            1024 => Self::I64,
            1280 => Self::U64,
            2304 => Self::Rgba,
            32 => return Err(NiftiError::DataType("complex64".into())),
            1792 => return Err(NiftiError::DataType("complex128".into())),
            2048 => return Err(NiftiError::DataType("complex256".into())),
            1536 => return Err(NiftiError::DataType("float128".into())),
            1 => return Err(NiftiError::DataType("binary (1 bit)".into())),
            other => return Err(NiftiError::DataType(format!("number {other}"))),
        })
    }

    /// Bytes of one voxel.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::Rgb => 3,
            Self::U32 | Self::I32 | Self::F32 | Self::Rgba => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

/// What of the header is needed.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Whether numbers are stored with their most significant byte first.
    pub big_endian: bool,
    pub dims: [usize; 3],
    pub time_points: usize,
    pub data_type: DataType,
    /// Where the voxels begin.
    pub offset: u64,
    /// `pixdim`: the sign of the first axis's direction, then voxel sizes.
    pub pixdim: [f64; 4],
    pub slope: f64,
    pub intercept: f64,
    pub calibration: (f32, f32),
    pub qform: Option<[f64; 6]>,
    pub sform: Option<[[f64; 4]; 3]>,
    /// Millimetres in one of the header's units of length.
    pub unit: f64,
}

/// Reads numbers at fixed places, in the file's byte order.
struct Fields<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl Fields<'_> {
    fn take<const N: usize>(&self, at: usize) -> Result<[u8; N], NiftiError> {
        let mut bytes: [u8; N] = self
            .bytes
            .get(at..)
            .and_then(|rest| rest.first_chunk().copied())
            .ok_or(NiftiError::Header("its header is cut off"))?;
        if self.big_endian {
            bytes.reverse();
        }
        Ok(bytes)
    }

    fn i16(&self, at: usize) -> Result<i16, NiftiError> {
        Ok(i16::from_le_bytes(self.take(at)?))
    }

    fn i32(&self, at: usize) -> Result<i32, NiftiError> {
        Ok(i32::from_le_bytes(self.take(at)?))
    }

    fn i64(&self, at: usize) -> Result<i64, NiftiError> {
        Ok(i64::from_le_bytes(self.take(at)?))
    }

    fn f32(&self, at: usize) -> Result<f64, NiftiError> {
        Ok(f64::from(f32::from_le_bytes(self.take(at)?)))
    }

    fn f64(&self, at: usize) -> Result<f64, NiftiError> {
        Ok(f64::from_le_bytes(self.take(at)?))
    }

    fn many<T: Default + Copy, const N: usize>(
        &self,
        at: usize,
        step: usize,
        read: impl Fn(&Self, usize) -> Result<T, NiftiError>,
    ) -> Result<[T; N], NiftiError> {
        let mut values = [T::default(); N];
        for (index, value) in values.iter_mut().enumerate() {
            *value = read(self, at + index * step)?;
        }
        Ok(values)
    }
}

impl Header {
    /// From the first bytes of a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, NiftiError> {
        let size = bytes
            .first_chunk()
            .copied()
            .ok_or(NiftiError::Header("its header is cut off"))?;
        let sizes = [u32::from_le_bytes(size), u32::from_be_bytes(size)];
        let fields = |big_endian| Fields { bytes, big_endian };
        match sizes {
            [348, _] => Self::one(&fields(false)),
            [_, 348] => Self::one(&fields(true)),
            [540, _] => Self::two(&fields(false)),
            [_, 540] => Self::two(&fields(true)),
            _ => Err(NiftiError::Header("its header has an unknown size")),
        }
    }

    fn one(fields: &Fields) -> Result<Self, NiftiError> {
        if fields.bytes.get(344..348) != Some(b"n+1\0") {
            return Err(NiftiError::Header(
                "it is half of a pair .hdr/.img; convert the pair to one .nii file",
            ));
        }
        let dim: [i16; 8] = fields.many(40, 2, Fields::i16)?;
        let (dims, time_points) = sizes(dim.map(i64::from))?;
        let place = fields.f32(108)?;
        let quaternion: [f64; 6] = fields.many(256, 4, Fields::f32)?;
        let rows: [f64; 12] = fields.many(280, 4, Fields::f32)?;
        Ok(Self {
            big_endian: fields.big_endian,
            dims,
            time_points,
            data_type: DataType::from_code(fields.i16(70)?)?,
            offset: offset(place, SHORT)?,
            pixdim: fields.many(76, 4, Fields::f32)?,
            slope: fields.f32(112)?,
            intercept: fields.f32(116)?,
            calibration: (fields.f32(128)? as f32, fields.f32(124)? as f32),
            qform: (fields.i16(252)? > 0).then_some(quaternion),
            sform: (fields.i16(254)? > 0).then(|| matrix(rows)),
            unit: unit(i32::from(fields.take::<1>(123)?[0])),
        })
    }

    fn two(fields: &Fields) -> Result<Self, NiftiError> {
        if fields.bytes.get(4..8) != Some(b"n+2\0") {
            return Err(NiftiError::Header(
                "it is half of a pair .hdr/.img; convert the pair to one .nii file",
            ));
        }
        let (dims, time_points) = sizes(fields.many(16, 8, Fields::i64)?)?;
        let quaternion: [f64; 6] = fields.many(352, 8, Fields::f64)?;
        let rows: [f64; 12] = fields.many(400, 8, Fields::f64)?;
        Ok(Self {
            big_endian: fields.big_endian,
            dims,
            time_points,
            data_type: DataType::from_code(fields.i16(12)?)?,
            offset: offset(fields.i64(168)? as f64, LENGTH)?,
            pixdim: fields.many(104, 8, Fields::f64)?,
            slope: fields.f64(176)?,
            intercept: fields.f64(184)?,
            calibration: (fields.f64(200)? as f32, fields.f64(192)? as f32),
            qform: (fields.i32(344)? > 0).then_some(quaternion),
            sform: (fields.i32(348)? > 0).then(|| matrix(rows)),
            unit: unit(fields.i32(500)?),
        })
    }

    /// What a stored number means: `slope * stored + intercept`; a slope of 0 says that none is meant.
    pub fn scaling(&self) -> (f64, f64) {
        if self.slope.is_finite() && self.slope != 0.0 && self.intercept.is_finite() {
            (self.slope, self.intercept)
        } else {
            (1.0, 0.0)
        }
    }
}

/// The number of axes, then the lengths of at most seven.
fn sizes(dim: [i64; 8]) -> Result<([usize; 3], usize), NiftiError> {
    let [axes, lengths @ ..] = dim;
    if !(1..=7).contains(&axes) {
        return Err(NiftiError::Header("its number of axes is not in 1 to 7"));
    }
    let mut all = [1usize; 7];
    for (length, stated) in all.iter_mut().zip(lengths).take(axes as usize) {
        *length = usize::try_from(stated)
            .ok()
            .filter(|length| *length > 0)
            .ok_or(NiftiError::Header("one of its axes has no length"))?;
    }
    let [x, y, z, rest @ ..] = all;
    let time_points = rest
        .iter()
        .try_fold(1usize, |product, &length| product.checked_mul(length))
        .ok_or(NiftiError::Header("it has impossibly many time points"))?;
    Ok(([x, y, z], time_points))
}

/// Where voxels begin: behind the header at least, as some writers leave a 0.
fn offset(stated: f64, header: usize) -> Result<u64, NiftiError> {
    if !stated.is_finite() || stated > 1e9 {
        return Err(NiftiError::Header("its voxels begin nowhere"));
    }
    let usual = header as u64 + 4;
    Ok(if stated < header as f64 {
        usual
    } else {
        stated as u64
    })
}

fn matrix(values: [f64; 12]) -> [[f64; 4]; 3] {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = values;
    [[a, b, c, d], [e, f, g, h], [i, j, k, l]]
}

/// Millimetres in the unit of `xyzt_units`; where it is unknown, millimetres are meant.
fn unit(code: i32) -> f64 {
    match code & 7 {
        1 => 1000.0,
        3 => 0.001,
        _ => 1.0,
    }
}
