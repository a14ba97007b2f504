//! Stored numbers to grey values.

use std::io::{self, Read};

use super::header::{DataType, Header};
use crate::colour::luma;

/// Why reading stopped early.
pub enum Stop {
    /// The source failed.
    Io(io::Error),
    /// The source ended after so many bytes.
    End(u64),
}

/// Bytes that are looked at together: a multiple of every type's size.
const BLOCK: usize = 3 * 8 * 4096;

/// Reads `count` voxels, scaled; colours become grey.
pub fn read(source: &mut dyn Read, header: &Header, count: usize) -> Result<Vec<f32>, Stop> {
    let size = header.data_type.bytes();
    let (slope, intercept) = header.scaling();
    let convert = converter(header.data_type, header.big_endian);
    let scaled = !matches!(header.data_type, DataType::Rgb | DataType::Rgba)
        && (slope, intercept) != (1.0, 0.0);
    let mut voxels = Vec::with_capacity(count);
    let mut block = vec![0; BLOCK.min(count * size)];
    let mut done = 0u64;
    while voxels.len() < count {
        let wanted = block.len().min((count - voxels.len()) * size);
        let block = block.get_mut(..wanted).unwrap_or_default();
        let found = fill(source, block).map_err(Stop::Io)?;
        done += found as u64;
        if found < wanted {
            return Err(Stop::End(done));
        }
        voxels.extend(block.chunks_exact(size).map(|number| {
            let value = convert(number);
            (if scaled {
                value * slope + intercept
            } else {
                value
            }) as f32
        }));
    }
    Ok(voxels)
}

fn fill(source: &mut dyn Read, mut block: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while !block.is_empty() {
        match source.read(block) {
            Ok(0) => break,
            Ok(read) => {
                done += read;
                block = block.get_mut(read..).unwrap_or_default();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

fn number<const N: usize>(bytes: &[u8], big_endian: bool) -> [u8; N] {
    let mut number: [u8; N] = bytes.first_chunk().copied().unwrap_or([0; N]);
    if big_endian {
        number.reverse();
    }
    number
}

/// One voxel's bytes to a number.
type Convert = Box<dyn Fn(&[u8]) -> f64>;

/// The way for a type of numbers.
fn converter(data_type: DataType, big: bool) -> Convert {
    match data_type {
        DataType::U8 => Box::new(|b| f64::from(number::<1>(b, false)[0])),
        DataType::I8 => Box::new(|b| f64::from(i8::from_le_bytes(number(b, false)))),
        DataType::U16 => Box::new(move |b| f64::from(u16::from_le_bytes(number(b, big)))),
        DataType::I16 => Box::new(move |b| f64::from(i16::from_le_bytes(number(b, big)))),
        DataType::U32 => Box::new(move |b| f64::from(u32::from_le_bytes(number(b, big)))),
        DataType::I32 => Box::new(move |b| f64::from(i32::from_le_bytes(number(b, big)))),
        DataType::U64 => Box::new(move |b| u64::from_le_bytes(number(b, big)) as f64),
        DataType::I64 => Box::new(move |b| i64::from_le_bytes(number(b, big)) as f64),
        DataType::F32 => Box::new(move |b| f64::from(f32::from_le_bytes(number(b, big)))),
        DataType::F64 => Box::new(move |b| f64::from_le_bytes(number(b, big))),
        DataType::Rgb | DataType::Rgba => {
            Box::new(|b| f64::from(luma(number::<3>(b, false).map(f32::from))))
        }
    }
}
