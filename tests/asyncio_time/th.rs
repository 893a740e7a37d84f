//! threads: to_thread, run_in_executor, run_coroutine_threadsafe.
