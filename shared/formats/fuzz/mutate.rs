//! How files are changed.

/// Draws changes from a seed (xorshift64*, Vigna 2016, <https://doi.org/10.1145/2845077>).
pub struct Mutator(u64);

/// Numbers at which programs err.
const NUMBERS: [u64; 14] = [
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x0001_0000,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFE,
    0xFFFF_FFFF,
];

/// The longest input.
const LONGEST: usize = 1 << 18;

impl Mutator {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `end`; 0 where that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        ((self.next() >> 16) % (end.max(1) as u64)) as usize
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of the files with a few changes.
    pub fn changed(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].clone();
        for _ in 0..1 + self.below(6) {
            self.change(&mut input, corpus);
            input.truncate(LONGEST);
        }
        input
    }

    /// A place; headers are short and stand first, so every second place is near the start.
    fn place(&mut self, length: usize) -> usize {
        if self.one_in(2) {
            self.below(length.min(600))
        } else {
            self.below(length)
        }
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        if input.is_empty() {
            input.push(self.next() as u8);
            return;
        }
        let at = self.place(input.len());
        let length = 1 + self.below((input.len() - at).min(64));
        match self.below(9) {
            0 => input[at] ^= 1 << self.below(8),
            1 => input[at] = self.next() as u8,
            2 | 3 => {
                let number = NUMBERS[self.below(NUMBERS.len())];
                let size = [1, 2, 4, 8][self.below(4)];
                let bytes = if self.one_in(2) {
                    number.to_le_bytes()[..size].to_vec()
                } else {
                    number.to_be_bytes()[8 - size..].to_vec()
                };
                for (place, byte) in input.iter_mut().skip(at).zip(bytes) {
                    *place = byte;
                }
            }
            4 => input.truncate(at),
            5 => {
                input.drain(at..at + length);
            }
            6 => {
                let part = input[at..at + length].to_vec();
                let to = self.below(input.len());
                input.splice(to..to, part);
            }
            7 => {
                let other = &corpus[self.below(corpus.len())];
                let from = self.below(other.len());
                let part = &other[from..other.len().min(from + 8 * length)];
                let end = (at + part.len()).min(input.len());
                input.splice(at..end, part.iter().copied());
            }
            _ => {
                let byte = self.next() as u8;
                input[at..at + length].fill(byte);
            }
        }
    }
}
