mod day;
mod reading;
mod table;
