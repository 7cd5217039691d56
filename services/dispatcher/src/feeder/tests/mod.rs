mod lost;
mod published;
mod shares;
