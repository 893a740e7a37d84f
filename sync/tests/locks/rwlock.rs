//! Many who read, or one who writes.

use corio_sync::*;

use crate::kit::*;

#[test]
fn readers_share_and_a_writer_is_alone() {
    let lock = RwLock::new(0);
    let (a, b) = (now(lock.read()), now(lock.read()));
    let mut writer = waiting(lock.write());
    drop((a, b));
    let mut guard = writer.output();
    *guard += 1;
    assert!(lock.try_read().is_err());
    let reader = RwLockWriteGuard::downgrade(guard);
    assert_eq!((*reader, *lock.try_read().unwrap()), (1, 1));
}

#[test]
fn s11_readers_wait_behind_a_writer_that_waits() {
    let lock = RwLock::new(());
    let reader = lock.try_read().unwrap();
    let mut writer = waiting(lock.write());
    assert!(lock.try_read().is_err());
    let (mut c, mut d) = (waiting(lock.read()), waiting(lock.read()));
    drop(reader);
    assert!(!c.is_woken());
    drop(writer.output());
    // Both go in together.
    let _both = (c.output(), d.output());
}

#[test]
fn s11_a_cancelled_writer_lets_the_readers_behind_it_in() {
    let lock = RwLock::new(());
    let reader = lock.try_read().unwrap();
    let mut writer = waiting(lock.write());
    let mut behind = waiting(lock.read());
    writer.cancel();
    drop(behind.output());
    drop(reader);
    assert!(lock.try_write().is_ok());
}

#[test]
fn an_upgrade_waits_for_the_readers_only() {
    let lock = RwLock::new(1);
    let upgradable = now(lock.upgradable_read());
    assert!(lock.try_upgradable_read().is_err());
    let reader = lock.try_read().unwrap();
    let mut writer = waiting(lock.write());
    let upgradable = RwLockUpgradableReadGuard::try_upgrade(upgradable).unwrap_err();
    let mut upgrade = waiting(RwLockUpgradableReadGuard::upgrade(upgradable));
    drop(reader);
    assert!(!writer.is_woken(), "the upgrade comes first");
    *upgrade.output() = 2;
    assert_eq!(*writer.output(), 2);
}

#[test]
fn a_dropped_upgrade_lets_go() {
    let lock = RwLock::new(());
    for poll in [false, true] {
        let reader = lock.try_read().unwrap();
        let upgradable = lock.try_upgradable_read().unwrap();
        let mut upgrade = spawn(RwLockUpgradableReadGuard::upgrade(upgradable));
        if poll {
            assert!(upgrade.poll().is_pending());
        }
        upgrade.cancel();
        drop(reader);
        assert!(lock.try_write().is_ok());
    }
}
