//! The crawler.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use crate::program::{output, text};

#[test]
fn the_crawler_gets_every_page_once() {
    let crawler = output("crawler", &["--pages", "300", "--limit", "8", "--delay", "0"]);
    let report = text(&crawler.stdout);
    assert!(crawler.status.success(), "{report} {}", text(&crawler.stderr));
    assert!(report.contains("\n300 pages, ") && report.contains(" pages/s"), "{report}");
}

#[test]
fn the_crawler_ends_with_its_first_error_and_names_the_page() {
    // Were the others waited for, it would take hours.
    let slow = ["--pages", "100", "--delay", "3600", "--timeout", "0.05"];
    let crawler = output("crawler", &slow);
    assert_eq!(crawler.status.code(), Some(1));
    let error = text(&crawler.stderr);
    assert!(error.contains("/0") && error.contains("timed out after 50ms"), "{error}");

    let crawler = output("crawler", &["--pages", "300", "--broken", "70"]);
    assert_eq!(crawler.status.code(), Some(1));
    let error = text(&crawler.stderr);
    assert!(error.contains("/70") && error.contains("500 It Is Broken"), "{error}");

    let crawler = output("crawler", &["https://127.0.0.1/"]);
    assert_eq!(crawler.status.code(), Some(1));
    assert!(text(&crawler.stderr).contains("`https://127.0.0.1/`"));
}

/// A page that has moved, links to itself, to another site and to a page beside it.
#[test]
fn the_crawler_follows_the_links_of_a_site_and_stays_there() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let root = format!("http://{}/", listener.local_addr().unwrap());
    let links = format!("{root}a/b");
    let site = std::thread::spawn(move || {
        let mut asked = Vec::new();
        while asked.len() < 3 {
            let mut stream = listener.accept().unwrap().0;
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let path = line.split(' ').nth(1).unwrap().to_owned();
            let answer = match &path[..] {
                "/" => format!("HTTP/1.0 302 Found\r\nLocation: {links}\r\n\r\n"),
                "/a/b" => "HTTP/1.0 200 OK\r\n\r\n<a href=\"/a/b#here\"> <a href=\"c?d\"> \
                           <a href=\"http://127.0.0.1:1/\"> <a href=\"mailto:a@b\"> <a href=\"\"> <a href=\"/a\r\nb\">"
                    .to_owned(),
                _ => "HTTP/1.0 200 OK\r\n\r\nthe end".to_owned(),
            };
            stream.write_all(answer.as_bytes()).unwrap();
            asked.push(path);
        }
        asked
    });
    let crawler = output("crawler", &[&root]);
    assert!(crawler.status.success(), "{}", text(&crawler.stderr));
    assert!(text(&crawler.stdout).contains("\n3 pages, "), "{}", text(&crawler.stdout));
    assert_eq!(site.join().unwrap(), ["/", "/a/b", "/a/c?d"]);
}
