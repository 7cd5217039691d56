mod lost;
mod published;
