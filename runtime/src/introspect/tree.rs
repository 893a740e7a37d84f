//! Tasks as text.

use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

use super::{TaskInfo, TaskState, Wait, tasks};
use crate::task::TaskId;

/// The tasks of this thread's runtime as a tree, children below the task that spawned them.
///
/// Each line has the task's id and name, where it was spawned, and what it waits for: the kind, the
/// place in the source, for how long, and the task that is waited for.
///
/// # Examples
///
/// ```
/// # corio_runtime::run(async {
/// let tree = corio_runtime::introspect::tree();
/// assert!(tree.contains("spawned at"));
/// # });
/// ```
#[doc(alias("pstree", "print_call_graph", "format_call_graph"))]
pub fn tree() -> String {
    render(&tasks())
}

/// Everything that is known about the tasks of this thread's runtime: the tree, and the cycles of
/// tasks that wait for each other.
pub fn dump() -> String {
    let tasks = tasks();
    let mut text = format!("{} task(s)\n{}", tasks.len(), render(&tasks));
    for cycle in cycles(&tasks) {
        let ids: Vec<_> = cycle.iter().map(|id| format!("task {id}")).collect();
        let _ = writeln!(text, "deadlock: {} wait for each other", ids.join(", "));
    }
    text
}

fn render(tasks: &[TaskInfo]) -> String {
    let mut children: HashMap<Option<TaskId>, Vec<&TaskInfo>> = HashMap::new();
    for task in tasks {
        children.entry(task.parent).or_default().push(task);
    }
    for list in children.values_mut() {
        list.sort_by_key(|t| t.id);
    }
    let mut text = String::new();
    // An explicit stack: a chain of tasks may be deeper than this thread's.
    let mut stack: Vec<(usize, &TaskInfo)> = Vec::new();
    let push = |stack: &mut Vec<_>, depth, of: Option<TaskId>| {
        if let Some(list) = children.get(&of) {
            stack.extend(list.iter().rev().map(|t| (depth, *t)));
        }
    };
    push(&mut stack, 0, None);
    while let Some((depth, task)) = stack.pop() {
        line(&mut text, depth, task);
        push(&mut stack, depth + 1, Some(task.id));
    }
    text
}

fn line(text: &mut String, depth: usize, task: &TaskInfo) {
    let _ = write!(text, "{:indent$}task {}", "", task.id, indent = depth * 2);
    if let Some(name) = &task.name {
        let _ = write!(text, " \"{name}\"");
    }
    let _ = write!(text, " spawned at {}", task.spawned_at);
    match task.state {
        TaskState::Ready => text.push_str(", ready"),
        TaskState::Running => text.push_str(", running"),
        TaskState::Closing => text.push_str(", closing"),
        TaskState::Waiting => {}
    }
    if task.cancelled {
        text.push_str(", cancelled");
    }
    if let Some(reason) = &task.cancel_reason {
        let _ = write!(text, ": {reason}");
    }
    if let Some(wait) = &task.waiting_on {
        let _ = write!(text, ", waiting on {}", wait.kind);
        if wait.kind != Wait::FOREIGN {
            let _ = write!(text, " at {}", wait.at);
        }
        let _ = write!(text, " for {}", short(wait.since));
        if let Some(who) = wait.who {
            let _ = write!(text, ", held by task {who}");
        }
    }
    text.push('\n');
}

fn short(d: Duration) -> String {
    if d < Duration::from_secs(1) {
        format!("{} ms", d.as_millis())
    } else {
        format!("{:.1} s", d.as_secs_f64())
    }
}

/// Rings of tasks in which each waits for the next.
fn cycles(tasks: &[TaskInfo]) -> Vec<Vec<TaskId>> {
    let next: HashMap<TaskId, TaskId> =
        tasks.iter().filter_map(|t| Some((t.id, t.waiting_on.as_ref()?.who?))).collect();
    let mut found: Vec<Vec<TaskId>> = Vec::new();
    let mut seen: HashMap<TaskId, TaskId> = HashMap::new();
    for start in tasks.iter().map(|t| t.id) {
        let mut at = start;
        // Each task is walked over once; `seen` remembers from which start.
        while !seen.contains_key(&at) {
            seen.insert(at, start);
            match next.get(&at) {
                Some(to) => at = *to,
                None => break,
            }
        }
        if seen.get(&at) == Some(&start) && next.contains_key(&at) {
            let mut ring = vec![at];
            let mut to = next[&at];
            while to != at {
                ring.push(to);
                match next.get(&to) {
                    Some(further) if ring.len() <= tasks.len() => to = *further,
                    _ => break,
                }
            }
            if to == at {
                found.push(ring);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::Location;

    fn info(id: u64, parent: Option<u64>, who: Option<u64>) -> TaskInfo {
        let at = Location::caller();
        TaskInfo {
            id: TaskId(id),
            name: None,
            state: TaskState::Waiting,
            spawned_at: at,
            parent: parent.map(TaskId),
            waiting_on: Some(Wait {
                kind: "mutex",
                at,
                since: Duration::from_millis(5),
                who: who.map(TaskId),
            }),
            worker: 0,
            cancelled: false,
            cancel_reason: None,
        }
    }

    #[test]
    fn children_stand_below_their_parents() {
        let text = render(&[info(3, Some(1), None), info(1, None, None), info(2, Some(1), None)]);
        let starts: Vec<_> = text.lines().map(|l| l.split(" spawned").next().unwrap()).collect();
        assert_eq!(starts, ["task 1", "  task 2", "  task 3"]);
        assert!(text.contains("waiting on mutex"));
    }

    #[test]
    fn rings_are_found_once() {
        let tasks = [
            info(1, None, Some(2)),
            info(2, None, Some(3)),
            info(3, None, Some(1)),
            info(4, None, Some(1)),
            info(5, None, None),
        ];
        let rings = cycles(&tasks);
        assert_eq!(rings.len(), 1);
        assert_eq!(rings[0].len(), 3);
    }
}
