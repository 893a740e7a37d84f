//! The senders as handles of their channel: what bounded and unbounded ones have in common.

use std::fmt;

use super::{SenderClosed, Shared, Tx};
use crate::prim::{Arc, Ordering};

macro_rules! handles {
    ($(#[$doc:meta])* $name:ident; $(#[$weak_doc:meta])* $weak:ident) => {
        $(#[$doc])*
        pub struct $name<T> {
            pub(super) tx: Tx<T>,
        }

        $(#[$weak_doc])*
        pub struct $weak<T> {
            shared: Arc<Shared<T>>,
        }

        impl<T> $name<T> {
            /// Waits until the receiver is gone or closed.
            ///
            /// # Cancel safety
            ///
            /// Safe.
            #[track_caller]
            pub fn closed(&self) -> SenderClosed<'_, T> {
                SenderClosed::new(&self.tx.0.chan)
            }

            /// Whether the receiver is gone or closed.
            pub fn is_closed(&self) -> bool {
                self.tx.0.chan.is_closed()
            }

            /// How many values are in the channel.
            pub fn len(&self) -> usize {
                self.tx.0.chan.len()
            }

            /// Whether no value is in the channel.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Whether `other` sends to the same channel.
            pub fn same_channel(&self, other: &Self) -> bool {
                Arc::ptr_eq(&self.tx.0, &other.tx.0)
            }

            /// A sender that does not keep the channel open.
            pub fn downgrade(&self) -> $weak<T> {
                $weak { shared: self.tx.0.clone() }
            }

            /// How many senders there are.
            pub fn strong_count(&self) -> usize {
                // Ordering: Relaxed, a snapshot.
                self.tx.0.senders.load(Ordering::Relaxed)
            }
        }

        impl<T> $weak<T> {
            /// A sender, unless the last one is gone.
            pub fn upgrade(&self) -> Option<$name<T>> {
                Tx::upgrade(&self.shared).map(|tx| $name { tx })
            }

            /// How many senders there are.
            pub fn strong_count(&self) -> usize {
                // Ordering: Relaxed, a snapshot.
                self.shared.senders.load(Ordering::Relaxed)
            }
        }

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                Self { tx: self.tx.clone() }
            }
        }

        impl<T> Clone for $weak<T> {
            fn clone(&self) -> Self {
                Self { shared: self.shared.clone() }
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("channel", &self.tx.0.chan).finish()
            }
        }

        impl<T> fmt::Debug for $weak<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($weak)).field("channel", &self.shared.chan).finish()
            }
        }
    };
}

handles! {
    /// Sends values to a bounded channel's [`Receiver`](super::Receiver). Clones send to the same one.
    Sender;
    /// A sender that does not keep the channel open.
    WeakSender
}

handles! {
    /// Sends values to an unbounded channel's [`UnboundedReceiver`](super::UnboundedReceiver).
    UnboundedSender;
    /// An unbounded sender that does not keep the channel open.
    WeakUnboundedSender
}
