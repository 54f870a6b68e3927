//! MariaDB, by its own client and by PyMySQL.

use anyhow::{Result, ensure};
use tests::{
    Family, Pair,
    driver::{Client, endpoint, run},
    servers::Mariadb,
    turn::Turn,
    watch::{Watch, off, quantiles},
};

use crate::in_time;

#[test]
#[ignore = "needs root"]
fn what_mariadb_is_asked() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let to = endpoint(pair.far_address(Family::V4));
    let _mariadb = Mariadb::start(&pair.far, to)?;
    let watch = Watch::start(to)?;
    let mut client = Mariadb::client(to)?;
    let input = "select 1;\n".repeat(60) + &"select * from nowhere.nothing;\n".repeat(17);
    let said = run(&pair.near, client.arg("--force"), &input)?;
    let seen = watch.finish()?;
    ensure!(said.matches("ERROR 1").count() == 17, "{said}");
    seen.ensure("mysql", 77, 17)
}

#[test]
#[ignore = "needs root"]
fn how_long_mariadb_takes() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let to = endpoint(pair.far_address(Family::V4));
    let _mariadb = Mariadb::start(&pair.far, to)?;
    in_time(|| {
        let mut client = Client::start(&pair.near, "mysql", to, 2)?;
        let watch = Watch::start(to)?;
        let mut own = client.call(500, 0)?;
        own.extend(client.call(25, 20)?);
        client.finish()?;
        let seen = watch.finish()?;
        seen.ensure("mysql", 525, 0)?;
        off("PyMySQL", &seen, quantiles(&own))
    })
}
