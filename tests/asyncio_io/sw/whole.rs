//! Every transport obeys the same rules.

use corio::net::{StreamReader, StreamWriter, UnixStream};

use crate::support::{MUCH, tcp};

/// The streams of any transport obey the same rules, in memory too.
#[corio::test]
async fn str_15_every_transport_obeys_the_same_rules() {
    async fn rules(
        (mut reader, writer): (StreamReader, StreamWriter),
        (mut far_reader, far_writer): (StreamReader, StreamWriter),
        much: usize,
    ) {
        writer.write(b"one\n").unwrap();
        assert_eq!(far_reader.read_line().await.unwrap(), b"one\n");
        // More than any buffer takes, against a peer that does the same.
        let data = vec![5; much];
        let there = async {
            writer.write_all(&data).await.unwrap();
            writer.flush().await.unwrap();
        };
        let back = async { assert!(far_reader.read_exact(much).await.unwrap() == data) };
        corio::join!(there, back);
        far_writer.write(b"two\n").unwrap();
        assert_eq!(reader.read_line().await.unwrap(), b"two\n");
        writer.write_eof().unwrap();
        assert_eq!(far_reader.read(1).await.unwrap(), b"");
        writer.write(b"x").unwrap_err();
        far_writer.write(b"three").unwrap();
        far_writer.close();
        far_writer.wait_closed().await.unwrap();
        assert_eq!(reader.read_to_end().await.unwrap(), b"three");
        assert!(reader.at_eof());
        writer.close();
        writer.wait_closed().await.unwrap();
    }
    let (near, far) = tcp().await;
    rules(near, far, MUCH).await;
    let (near, far) = UnixStream::pair().unwrap();
    rules(near.into_streams(), far.into_streams(), MUCH).await;
    for size in [7, 64 * 1024] {
        let (near, far) = corio::io::duplex(size);
        rules(corio::net::stream_pair(near), corio::net::stream_pair(far), 100 * size).await;
    }
}
