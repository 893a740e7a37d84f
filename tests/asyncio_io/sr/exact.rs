//! So many bytes and no fewer.

use crate::support::{cut, fed, fed_with_limit, holding, settle};

/// An exact number of bytes, none of them included.
#[corio::test]
async fn sr_41_42_exactly_so_many() {
    let (writer, mut reader) = fed();
    assert_eq!(reader.read_exact(0).await.unwrap(), b"");
    let task = corio::spawn(async move { (reader.read_exact(8).await, reader) });
    for part in [&b"chunk"[..], b"chunk"] {
        settle().await;
        writer.write(part).unwrap();
    }
    let (data, reader) = task.await.unwrap();
    assert_eq!(data.unwrap(), b"chunkchu");
    assert_eq!(reader.buffer(), b"nk");
}

/// Who asks for a number knows how much it is: the limit is not for it.
#[corio::test]
async fn sr_43_an_exact_number_knows_no_limit() {
    let (writer, mut reader) = fed_with_limit(4);
    writer.write(&[7; 20]).unwrap();
    assert_eq!(reader.read_exact(20).await.unwrap(), [7; 20]);
}

/// An end that comes too early hands over what came.
#[corio::test]
async fn sr_44_an_end_too_early() {
    let mut reader = holding(b"line");
    assert_eq!(cut(&reader.read_exact(100).await.unwrap_err()), (b"line".to_vec(), Some(100)));
    assert_eq!(reader.read(1).await.unwrap(), b"");
}
