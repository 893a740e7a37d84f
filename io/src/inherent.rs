//! The everyday methods as inherent ones, for the streams of this crate.
//!
//! A user needs no import for them, and where another crate's extension trait is in scope too they are
//! the ones that are meant.

/// Gives a reader the methods of [`AsyncReadExt`](crate::AsyncReadExt) that are used every day.
macro_rules! inherent_read {
    ($type:ty) => {
        impl $type {
            /// Reads some bytes into `buf`; returns how many, 0 at the end of the input.
            ///
            /// # Cancel safety
            ///
            /// Safe: a `read` that is dropped has taken no byte.
            ///
            /// # Errors
            ///
            /// See [`AsyncReadExt::read`](crate::AsyncReadExt::read), which this is.
            #[track_caller]
            pub fn read<'a>(&'a mut self, buf: &'a mut [u8]) -> crate::read::Read<'a, Self> {
                crate::AsyncReadExt::read(self, buf)
            }

            /// Fills `buf`.
            ///
            /// # Cancel safety
            ///
            /// Unsafe: how much a dropped `read_exact` has read is not known.
            ///
            /// # Errors
            ///
            /// See [`AsyncReadExt::read_exact`](crate::AsyncReadExt::read_exact), which this is.
            #[track_caller]
            pub fn read_exact<'a>(
                &'a mut self,
                buf: &'a mut [u8],
            ) -> crate::read::ReadExact<'a, Self> {
                crate::AsyncReadExt::read_exact(self, buf)
            }

            /// Reads to the end of the input and appends it to `buf`; returns how many bytes came.
            ///
            /// # Cancel safety
            ///
            /// Safe: what a dropped `read_to_end` has read is in `buf`.
            ///
            /// # Errors
            ///
            /// See [`AsyncReadExt::read_to_end`](crate::AsyncReadExt::read_to_end), which this is.
            #[track_caller]
            pub fn read_to_end<'a>(
                &'a mut self,
                buf: &'a mut Vec<u8>,
            ) -> crate::read::ReadToEnd<'a, Self> {
                crate::AsyncReadExt::read_to_end(self, buf)
            }

            /// Reads to the end of the input and appends it to `text`; returns how many bytes came.
            ///
            /// # Cancel safety
            ///
            /// Unsafe: what a dropped `read_to_string` has read is lost.
            ///
            /// # Errors
            ///
            /// See [`AsyncReadExt::read_to_string`](crate::AsyncReadExt::read_to_string), which this is.
            #[track_caller]
            pub fn read_to_string<'a>(
                &'a mut self,
                text: &'a mut String,
            ) -> crate::read::ReadToString<'a, Self> {
                crate::AsyncReadExt::read_to_string(self, text)
            }
        }
    };
}

/// Gives a writer the methods of [`AsyncWriteExt`](crate::AsyncWriteExt) that are used every day.
macro_rules! inherent_write {
    ($type:ty) => {
        impl $type {
            /// Writes some bytes of `buf`; returns how many.
            ///
            /// # Cancel safety
            ///
            /// Safe: a `write` that is dropped has written nothing.
            ///
            /// # Errors
            ///
            /// See [`AsyncWriteExt::write`](crate::AsyncWriteExt::write), which this is.
            #[track_caller]
            pub fn write<'a>(&'a mut self, buf: &'a [u8]) -> crate::write::Write<'a, Self> {
                crate::AsyncWriteExt::write(self, buf)
            }

            /// Writes all of `buf`.
            ///
            /// # Cancel safety
            ///
            /// Unsafe: how much a dropped `write_all` has written is not known.
            ///
            /// # Errors
            ///
            /// See [`AsyncWriteExt::write_all`](crate::AsyncWriteExt::write_all), which this is.
            #[track_caller]
            pub fn write_all<'a>(&'a mut self, buf: &'a [u8]) -> crate::write::WriteAll<'a, Self> {
                crate::AsyncWriteExt::write_all(self, buf)
            }

            /// Sees to it that everything written so far has left this program's buffers.
            ///
            /// # Cancel safety
            ///
            /// Safe: nothing is lost; flush again.
            ///
            /// # Errors
            ///
            /// See [`AsyncWriteExt::flush`](crate::AsyncWriteExt::flush), which this is.
            #[track_caller]
            pub fn flush(&mut self) -> crate::write::Flush<'_, Self> {
                crate::AsyncWriteExt::flush(self)
            }

            /// Flushes, and tells the other side that no more will come.
            ///
            /// # Cancel safety
            ///
            /// Safe: nothing is lost; close again.
            ///
            /// # Errors
            ///
            /// See [`AsyncWriteExt::close`](crate::AsyncWriteExt::close), which this is.
            #[doc(alias = "shutdown")]
            #[track_caller]
            pub fn close(&mut self) -> crate::write::Close<'_, Self> {
                crate::AsyncWriteExt::close(self)
            }
        }
    };
}
