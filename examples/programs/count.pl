my $words = 0;
$words += split while <STDIN>;
print "$words\n";
