//! What `probe observe` finds on a host it knows nothing of: names, a map, metrics, a scenario to
//! begin with, and what a scenario forgot.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::{Ended, Probe, lab::Lab, patience::wait_for, turn::Turn};

const PATIENCE: Duration = Duration::from_secs(30);

/// The hosts file of a network namespace, as `ip netns` has it. Removed when dropped.
struct Hosts(PathBuf);

impl Hosts {
    fn write(netns: &str, text: &str) -> Result<Self> {
        let folder = PathBuf::from("/etc/netns").join(netns);
        fs::create_dir_all(&folder)?;
        let hosts = Self(folder);
        fs::write(hosts.0.join("hosts"), text)?;
        Ok(hosts)
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
        // Only where nobody else has anything in it.
        let _ = fs::remove_dir("/etc/netns");
    }
}

/// Runs probe to its end.
fn probe(arguments: &str) -> Result<Ended> {
    Probe::start(arguments)?.finish_within(PATIENCE)
}

/// What a server answers to GET, status line and all.
fn get(address: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Sum of a counter's samples whose labels hold some words.
fn sum(page: &str, name: &str, words: &str) -> f64 {
    let lines = page
        .lines()
        .filter(|line| line.starts_with(name) && line.contains(words));
    let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    values.sum()
}

fn list<'a>(document: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    document[key]
        .as_array()
        .with_context(|| format!("no {key}: {document}"))
}

/// One that is well, but forgot to declare something.
fn forgetful(netns: &str) -> String {
    format!(
        "name = \"forgetful\"\n[service]\nlisten = 8080\nnetns = \"{netns}\"\n\
         [[dependency]]\nname = \"pay\"\nto = [\"10.77.1.2:8080\"]\n\
         [[dependency]]\nname = \"stock\"\nto = [\"10.77.2.2:8080\"]\n\
         [steady_state]\nfor = \"1s\"\nsuccess_rate = \">= 90%\"\n\
         [[step]]\nat = \"0s\"\nrun = [\"true\"]\n[expect]\nundeclared_dependencies = 0\n"
    )
}

#[test]
#[ignore = "needs root"]
fn a_shop_is_found_mapped_measured_and_saved() -> Result<()> {
    let _turn = Turn::together()?;
    let lab = Lab::up("--rate 100")?;
    let netns = lab.netns("shop");
    let _hosts = Hosts::write(&netns, "10.77.1.2 payments\n")?;
    let folder = tempfile::tempdir()?;
    let saved = folder.path().join("shop.toml");
    let saved = saved.to_str().context("a path")?;
    let observe = format!("observe --netns {netns} --process shop --for 4s");

    let mut seen = Probe::start(&format!(
        "{observe} --metrics 127.0.0.1:0 --save {saved} -o json"
    ))?;
    seen.wait_for("/metrics")?;
    let address = seen.stderr();
    let address = address.split("http://").nth(1).context("no address")?;
    let address = address.split('/').next().context("no address")?.to_owned();
    let payments = "service=\"shop\",dependency=\"payments\",protocol=\"http1\"";
    let page = wait_for("calls in the metrics", PATIENCE, || {
        let page = get(&address, "/metrics")?;
        let calls = sum(&page, "probe_calls_total", payments);
        Ok((calls >= 10.0).then_some(page))
    })?;
    ensure!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    ensure!(
        page.contains("content-type: text/plain; version=0.0.4"),
        "{page}"
    );
    ensure!(
        sum(&page, "probe_bytes_total", payments) > 1_000.0,
        "{page}"
    );
    ensure!(get(&address, "/nope")?.starts_with("HTTP/1.1 404 "));
    let ended = seen.finish_within(PATIENCE)?;
    ensure!(ended.code() == 0, "{ended:?}");
    let document = ended.json()?;
    let services = list(&document, "services")?;
    ensure!(services.len() == 1, "{document:#}");
    let dependencies = list(&document, "dependencies")?;
    ensure!(dependencies.len() == 3, "{document:#}");
    for it in dependencies {
        ensure!(it["service"] == services[0]["service"], "{document:#}");
        ensure!(it["service"]["pid"] == lab.pid("shop")?, "{document:#}");
    }
    let named = dependencies.iter().find(|it| it["name"] == "payments");
    ensure!(named.is_some_and(|it| it["remote"] == "10.77.1.2:8080" && it["named_by"] == "hosts"));

    let check = probe(&format!("check {saved} -o json"))?;
    ensure!(
        check.code() == 0 && check.json()?["ready"] == true,
        "{check:?}"
    );
    let again = probe(&format!("{observe} --save {saved}"))?;
    ensure!(again.code() == 2 && again.stdout.is_empty(), "{again:?}");

    let map = probe("observe --for 1s --map mermaid")?;
    ensure!(
        map.code() == 0 && map.stdout.starts_with("flowchart LR\n"),
        "{map:?}"
    );
    ensure!(
        map.stdout
            .contains(&format!("shop<br/>pid {}\"]", lab.pid("shop")?)),
        "{map:?}"
    );
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn a_dependency_that_the_scenario_forgot_is_named_and_fails_it() -> Result<()> {
    let _turn = Turn::together()?;
    let lab = Lab::up("--rate 100")?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("forgetful.toml");
    let forgetful = forgetful(&lab.netns("shop"));
    fs::write(&file, &forgetful)?;
    let name = file.to_str().context("a path")?;

    let seen = probe(&format!("observe --scenario {name} --for 2s -o json"))?;
    let run = probe(&format!("run {name} --headless -o json"))?;
    for ended in [&seen, &run] {
        ensure!(ended.code() == 1, "{ended:?}");
        let document = ended.json()?;
        let undeclared = list(&document, "undeclared_dependencies")?;
        ensure!(undeclared.len() == 1, "{document:#}");
        ensure!(undeclared[0]["remote"] == "10.77.3.2:8080", "{document:#}");
        ensure!(undeclared[0]["service"]["comm"] == "shop", "{document:#}");
    }
    let reason = run.json()?["reason"].to_string();
    ensure!(reason.contains("shop calls 10.77.3.2:8080"), "{reason}");

    let declared = "[[dependency]]\nname = \"tips\"\nto = [\"10.77.3.2:8080\"]\n[steady_state]";
    fs::write(&file, forgetful.replace("[steady_state]", declared))?;
    let run = probe(&format!("run {name} --headless -o json"))?;
    ensure!(run.code() == 0, "{run:?}");
    Ok(())
}
