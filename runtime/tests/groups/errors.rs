//! The text of a group's error.

use corio_runtime::runtime::Builder;
use corio_runtime::structured::{TaskGroup, task_group};

use crate::kit::on_all;

#[test]
fn an_error_of_several_lines_stays_together() {
    on_all(|| async {
        let group = TaskGroup::<&str>::new();
        drop(group.builder().name("a").spawn(async { Err::<(), _>("one\ntwo") }));
        let text = group.join().await.unwrap_err().to_string();
        assert!(text.ends_with("\"a\": one\n  two"), "{text}");
    });
}

/// Each line belongs to the nearest one above it that is less far in.
#[test]
fn the_lines_of_errors_are_further_in_than_their_first_ones() {
    async fn fails() -> Result<(), String> {
        let group = task_group(|group: TaskGroup<String>| async move {
            let builder = group.builder().name("a").eager(true);
            drop(builder.spawn(async { Err::<(), _>("one\n\n  two".to_owned()) }));
            Err::<(), _>("three\nfour".to_owned())
        });
        group.await.map_err(|error| error.to_string())
    }
    Builder::new_current_thread().build().unwrap().block_on(async {
        let error = task_group(|group: TaskGroup<String>| async move {
            let builder = group.builder().name("b").eager(true);
            drop(builder.spawn(async {
                fails().await?;
                Ok(())
            }));
            Err::<(), _>("five".to_owned())
        });
        let text = error.await.unwrap_err().to_string();
        // The ids of tasks are of no interest.
        let lines: Vec<_> = text
            .lines()
            .map(|line| match line.split_once("task ") {
                Some((before, rest)) if before.trim().is_empty() => {
                    format!("{before}task {}", rest.split_once(' ').unwrap().1)
                }
                _ => line.to_owned(),
            })
            .collect();
        let expected = [
            "2 failures in a task group:",
            "  task \"b\": 2 failures in a task group:",
            "      task \"a\": one",
            "",
            "          two",
            "      the group's body: three",
            "        four",
            "  the group's body: five",
        ];
        assert_eq!(lines, expected);

        let group = TaskGroup::<String>::new();
        drop(group.builder().name("c").eager(true).spawn(async { panic!("six\nseven") }));
        let text = group.join().await.unwrap_err().to_string();
        assert!(text.ends_with("\"c\": panicked: six\n  seven"), "{text}");
    });
}
