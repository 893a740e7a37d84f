//! AIOF: what aiofiles' users rely on, where sockets take part. The rest is in the tests of `io`.

use std::io::{ErrorKind, SeekFrom};

use corio::fs::{self, File};
use corio::net::UnixStream;
use corio::spawn;

/// Files go to sockets and to files: whole, in part, nothing at all, and to a peer that leaves.
#[corio::test]
async fn aiof_13_files_are_sent_to_sockets_and_files() {
    let dir = fs::temp::dir().await.unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    let data: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 239) as u8).collect();
    fs::write(&from, data.clone()).await.unwrap();
    assert_eq!(fs::copy(&from, &to).await.unwrap(), 3_000_000);
    assert!(fs::read(&to).await.unwrap() == data);

    let mut file = File::open(&from).await.unwrap();
    file.seek(SeekFrom::Start(5)).await.unwrap();
    let file = file.into_std().await.unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    let reader = spawn(async move {
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.map(|_| all)
    });
    assert_eq!(near.send_file(&file, 0, u64::MAX).await.unwrap(), 3_000_000);
    assert_eq!(near.send_file(&file, 1000, 2000).await.unwrap(), 2000);
    assert_eq!(near.send_file(&file, 0, 0).await.unwrap(), 0);
    assert_eq!(near.send_file(&file, 1 << 40, 10).await.unwrap(), 0);
    drop(near);
    let got = reader.await.unwrap().unwrap();
    assert!(got == [&data[..], &data[1000..3000]].concat());
    // The position is the file's own affair.
    assert_eq!(std::io::Seek::stream_position(&mut &file).unwrap(), 5);

    let (near, far) = UnixStream::pair().unwrap();
    let sender = spawn(async move { near.send_file(&file, 0, u64::MAX).await });
    far.read_exact(&mut [0; 100_000]).await.unwrap();
    drop(far);
    let error = sender.await.unwrap().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{error}");
    dir.close().await.unwrap();
}
