//! A crawler: follows the links of a site, many pages at once, until it has them all. The first error ends
//! it.
//!
//! Run it: `cargo run --release --example crawler`, which crawls a site that it serves itself; try it with
//! `--limit 1`, and with `--broken 700`. Or name a site: `python3 -m http.server 8000 &`, then
//! `cargo run --release --example crawler -- http://127.0.0.1:8000/ --pages 100`. Ctrl-C ends it.
//!
//! You will see how many pages there were, and how many in a second: a site that takes a while for each page
//! is crawled faster the more are asked for at once. With a broken page you will see which it was; all that
//! is under way then is cancelled.

#[path = "support/args.rs"]
mod args;

use std::collections::HashSet;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use corio::io::AsyncReadExt;
use corio::net::{Server, TcpStream, lookup_host};
use corio::time::Instant;
use corio::{Queue, TaskGroup, start_server, timeout};

const HELP: &str = "\
crawler [URL] [OPTIONS]    follows the links of a site (of one that it serves itself); plain http only

--pages N          how many pages at most, and how many the site of its own has (1000)
--limit N          how many at once (32)
--timeout SECONDS  how long a page may take (10)
--delay SECONDS    how long the site of its own takes for each page (0.005)
--broken N         which page of that is broken; 0 for none (0)";

/// What is read of a page at most.
const PAGE: u64 = 1 << 20;

/// A site on the web.
struct Site {
    /// `http://host:port/`
    root: String,
    host: String,
    addrs: Vec<SocketAddr>,
}

/// What a page was good for.
struct Page {
    bytes: usize,
    /// Paths on the same site.
    links: Vec<String>,
}

impl Site {
    /// Finds the site of a URL; returns it with the path of the page.
    async fn find(url: &str) -> Result<(Self, String), Box<dyn Error>> {
        let Some(rest) = url.strip_prefix("http://") else {
            return Err(format!("`{url}` is no URL of the form http://host/page").into());
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        // What ends in a `]` is an IPv6 address without a port.
        let has_port = host.contains(':') && !host.ends_with(']');
        let addr = if has_port { host.to_owned() } else { format!("{host}:80") };
        let addrs = lookup_host(&addr[..]).await?.collect();
        let site = Self { root: format!("http://{host}/"), host: host.to_owned(), addrs };
        Ok((site, format!("/{path}")))
    }

    /// Asks for the page at `path`.
    async fn get(&self, path: &str) -> io::Result<Page> {
        let stream = TcpStream::connect(&self.addrs[..]).await?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.host);
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        (&stream).take(PAGE).read_to_end(&mut answer).await?;

        let text = String::from_utf8_lossy(&answer);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let (status, headers) = head.split_once("\r\n").unwrap_or((head, ""));
        let (from, before, after) = match status.split(' ').nth(1) {
            Some("200") => (body, "href=\"", '"'),
            // A page that has moved is a page with one link.
            Some("301" | "302" | "307" | "308") => (headers, "Location: ", '\r'),
            _ => return Err(io::Error::other(format!("the server says `{status}`"))),
        };
        let links = from.split(before).skip(1).filter_map(|rest| rest.split(after).next());
        let links = links.filter_map(|link| self.resolve(path, link)).collect();
        Ok(Page { bytes: answer.len(), links })
    }

    /// The path to which `link` leads from the page at `path`, unless it leaves the site.
    fn resolve(&self, path: &str, link: &str) -> Option<String> {
        let link = link.split('#').next()?;
        // A line's end in a path would end the line of the request.
        if link.is_empty() || link.contains(char::is_whitespace) {
            return None;
        }
        if let Some(path) = link.strip_prefix(&self.root) {
            return Some(format!("/{path}"));
        }
        if link.contains(':') || link.contains("..") || link.starts_with("//") {
            return None;
        }
        let folder = if link.starts_with('/') { "" } else { &path[..=path.rfind('/')?] };
        Some(format!("{folder}{link}"))
    }
}

/// What a crawl came to.
struct Crawled {
    pages: usize,
    bytes: usize,
}

/// Follows the links from `start` until `most` pages were seen or there are no more.
async fn crawl(
    site: Arc<Site>,
    start: String,
    most: usize,
    at_once: usize,
    limit: Duration,
) -> Result<Crawled, String> {
    // Each page is a child of the group. Those beyond the limit wait their turn.
    let group = TaskGroup::<io::Error>::with_limit(at_once);
    let got = Queue::unbounded();
    let mut seen = HashSet::new();
    let mut visit = |path: String| {
        if seen.len() == most || !seen.insert(path.clone()) {
            return;
        }
        let (site, got) = (site.clone(), got.clone());
        // The name is what an error is reported with.
        group.builder().name(&path).spawn(async move {
            let page = timeout(limit, site.get(&path)).await??;
            got.put(page).await.map_err(io::Error::other)
        });
    };

    visit(start);
    let mut bytes = 0;
    // There is none left when all links have been followed. The first that fails cancels the others.
    while let Some(child) = group.next().await {
        if !child.is_ok() {
            break;
        }
        while let Ok(page) = got.try_get() {
            bytes += page.bytes;
            page.links.into_iter().for_each(&mut visit);
        }
    }
    match group.join().await {
        Ok(()) => Ok(Crawled { pages: seen.len(), bytes }),
        Err(error) => Err(error.to_string()),
    }
}

/// Serves a site of so many pages: each links to ten others further down, and back to the one above it.
async fn serve_site(pages: usize, delay: Duration, broken: usize) -> io::Result<Server> {
    start_server("127.0.0.1:0", move |mut reader, writer| async move {
        let request = reader.read_until(b"\r\n\r\n").await?;
        let request = String::from_utf8_lossy(&request);
        // `GET /17 HTTP/1.0`
        let page = request.split([' ', '/']).nth(2).and_then(|page| page.parse().ok());
        let page = page.unwrap_or(0);
        corio::sleep(delay).await;
        let answer = if page >= pages {
            "HTTP/1.0 404 Not Found\r\n\r\n".to_owned()
        } else if page == broken && page != 0 {
            "HTTP/1.0 500 It Is Broken\r\n\r\n".to_owned()
        } else {
            let below = (page * 10 + 1..=page * 10 + 10).take_while(|below| *below < pages);
            let links = below.chain([page.saturating_sub(1) / 10]);
            let links: String = links.map(|to| format!("<a href=\"/{to}\">{to}</a>\n")).collect();
            format!("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n{links}")
        };
        writer.write_all(answer.as_bytes()).await
    })
    .await
}

#[corio::main(cancel_on_ctrl_c = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = ["--pages", "--limit", "--timeout", "--delay", "--broken"];
    let args = args::Args::read(HELP, 1, &options)?;
    let pages = args.option("--pages", 1000)?;
    let at_once = args.option("--limit", 32)?;
    let limit = Duration::try_from_secs_f64(args.option("--timeout", 10.0)?)?;
    let delay = Duration::try_from_secs_f64(args.option("--delay", 0.005)?)?;
    let broken = args.option("--broken", 0)?;
    if pages == 0 || at_once == 0 {
        return Err("--pages and --limit must be at least 1".into());
    }

    // Kept until the end: a server that is dropped ends.
    let (_server, url) = match args.word(0) {
        Some(url) => (None, url.to_owned()),
        None => {
            let server = serve_site(pages, delay, broken).await?;
            let url = format!("http://{}/0", server.local_addrs()[0]);
            (Some(server), url)
        }
    };
    let (site, path) = Site::find(&url).await?;
    println!("crawling {url}, {at_once} pages at once");
    let start = Instant::now();
    let Crawled { pages, bytes } = crawl(Arc::new(site), path, pages, at_once, limit).await?;
    let time = start.elapsed();
    let rate = pages as f64 / time.as_secs_f64();
    println!("{pages} pages, {bytes} bytes in {time:.2?}: {rate:.0} pages/s");
    Ok(())
}
