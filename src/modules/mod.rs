//! Layer 4: the catalogue: one file a module, one line each here.
//!
//! Imports `base`, `dsp`, `rt` and `module`. A module knows no other module, no patch and no thread.

use crate::module::Catalogue;

macro_rules! catalogue {
    ($($(#[$attribute:meta])* $module:ident,)*) => {
        $($(#[$attribute])* #[allow(missing_docs, reason = "each file's first line says what it is")] pub mod $module;)*

        /// Every kind of module that rackd brings.
        pub static CATALOGUE: Catalogue = Catalogue(&[$($(#[$attribute])* &$module::DEF),*]);
    };
}

catalogue! {
    adsr,
    ar,
    chorus,
    delay,
    fm_op,
    ladder,
    lfo,
    limiter,
    mixer4,
    noise,
    onepole,
    pan,
    reverb,
    #[cfg(feature = "fundsp")]
    reverb_fdn,
    sample_hold,
    seq_step,
    slew,
    stream_in,
    stream_out,
    svf,
    vca,
    vco,
}
