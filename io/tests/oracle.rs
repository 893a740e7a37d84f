//! The same operations on the same bytes, here and on std's types: the answers must agree.

mod common;

use std::io::{BufRead, Read};

use common::*;
use corio_io::prelude::*;
use corio_io::{AsyncBufReadExt, BufReader};

/// What an operation answered: bytes, or the kind of its error.
type Answer = Result<Vec<u8>, std::io::ErrorKind>;

fn bytes<T>(result: std::io::Result<T>, bytes: impl Into<Vec<u8>>) -> Answer {
    result.map(|_| bytes.into()).map_err(|e| e.kind())
}

#[derive(Debug, Clone, Copy)]
enum Op {
    Exact(usize),
    Until(u8),
    Line,
    Consume(usize),
    Number,
    End,
}

fn ops(rng: &mut Rng) -> Vec<Op> {
    (0..40)
        .map(|_| match rng.below(12) {
            0..3 => Op::Exact(rng.below(20)),
            3..5 => Op::Until(rng.below(6) as u8 + b'\n'),
            5..7 => Op::Line,
            7..9 => Op::Consume(rng.below(10)),
            9..11 => Op::Number,
            _ => Op::End,
        })
        .collect()
}

/// A reader for the operations, half of which are buffered ones.
fn ours(reader: &mut (impl AsyncBufRead + Unpin), op: Op) -> Answer {
    block_on(async {
        match op {
            Op::Exact(n) => {
                let mut buf = vec![0; n];
                let result = reader.read_exact(&mut buf).await;
                bytes(result, buf)
            }
            Op::Until(byte) => {
                let mut buf = Vec::new();
                let result = reader.read_until(byte, &mut buf).await;
                bytes(result, buf)
            }
            Op::Line => {
                let mut line = String::new();
                let result = reader.read_line(&mut line).await;
                bytes(result, line)
            }
            Op::Consume(n) => {
                let mut taken = Vec::new();
                let result = (&mut *reader).take(n as u64).read_to_end(&mut taken).await;
                bytes(result, taken)
            }
            Op::Number => {
                reader.read_u16().await.map(|n| n.to_be_bytes().to_vec()).map_err(|e| e.kind())
            }
            Op::End => {
                let mut buf = Vec::new();
                let result = reader.read_to_end(&mut buf).await;
                bytes(result, buf)
            }
        }
    })
}

fn theirs(reader: &mut impl BufRead, op: Op) -> Answer {
    match op {
        Op::Exact(n) => {
            let mut buf = vec![0; n];
            let result = reader.read_exact(&mut buf);
            bytes(result, buf)
        }
        Op::Until(byte) => {
            let mut buf = Vec::new();
            let result = reader.read_until(byte, &mut buf);
            bytes(result, buf)
        }
        Op::Line => {
            let mut line = String::new();
            let result = reader.read_line(&mut line);
            bytes(result, line)
        }
        Op::Consume(n) => {
            let mut taken = Vec::new();
            let result = reader.by_ref().take(n as u64).read_to_end(&mut taken);
            bytes(result, taken)
        }
        Op::Number => {
            let mut buf = [0; 2];
            let result = reader.read_exact(&mut buf);
            bytes(result, buf)
        }
        Op::End => {
            let mut buf = Vec::new();
            let result = reader.read_to_end(&mut buf);
            bytes(result, buf)
        }
    }
}

/// std's chain of std's take.
fn chained<'a>(first: &'a [u8], limit: u64, second: &'a [u8]) -> impl BufRead + 'a {
    Read::chain(Read::take(first, limit), second)
}

#[test]
fn buffered_chained_and_taken_readers_answer_as_stds_do() {
    let mut rng = Rng(41);
    for round in 0..1500 {
        // Mostly text with line ends, sometimes bytes that are none.
        let mut random = |len: usize| -> Vec<u8> {
            let byte = |rng: &mut Rng| match rng.below(20) {
                0 => 0xff,
                1..5 => b'\n',
                n => n as u8 + b'\n',
            };
            (0..len).map(|_| byte(&mut rng)).collect()
        };
        let (first, second) = (random(60), random(90));
        let limit = rng.below(80) as u64;
        let ops = ops(&mut rng);

        let (size, pauses) = (1 + rng.below(30), rng.below(3));
        let script = |bytes: &[u8]| Script::pieces(bytes, size, pauses);
        let capacity = 1 + rng.below(40);
        let chain = script(&first).take(limit).chain(script(&second));
        let mut here = BufReader::with_capacity(capacity, chain);
        let mut there =
            std::io::BufReader::with_capacity(capacity, chained(&first, limit, &second));
        for op in ops {
            let answers = (ours(&mut here, op), theirs(&mut there, op));
            assert_eq!(answers.0, answers.1, "round {round}, {op:?}");
        }

        // The same with the buffers inside.
        let buffered = |bytes| BufReader::with_capacity(capacity, script(bytes));
        let mut here = buffered(&first).take(limit).chain(buffered(&second));
        let mut there = chained(&first, limit, &second);
        for op in self::ops(&mut rng) {
            let answers = (ours(&mut here, op), theirs(&mut there, op));
            assert_eq!(answers.0, answers.1, "round {round}, {op:?}");
        }
    }
}
